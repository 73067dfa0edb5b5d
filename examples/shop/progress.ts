import { clearLine, cursorTo } from "node:readline";
import type { WriteStream } from "node:tty";

/** Shows how far the demo is: one line that changes in a terminal; elsewhere a line for each change, one per second at most. */
export class Progress {
  #nextStatus = 0;
  #lastStatus = "";

  constructor(private readonly out: WriteStream) {}

  /** Writes a line that stays. */
  say(text: string): void {
    this.#erase();
    this.out.write(`${text}\n`);
  }

  /** Shows where things stand now. */
  status(text: string): void {
    if (this.out.isTTY) {
      this.#erase();
      this.out.write(text);
    } else if (Date.now() >= this.#nextStatus && text !== this.#lastStatus) {
      this.#nextStatus = Date.now() + 1_000;
      this.#lastStatus = text;
      this.out.write(`${text}\n`);
    }
  }

  #erase(): void {
    if (!this.out.isTTY) return;
    cursorTo(this.out, 0);
    clearLine(this.out, 0);
  }
}
