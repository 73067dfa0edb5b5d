import { clearLine, cursorTo } from "node:readline";
import type { WriteStream } from "node:tty";

/** Tells how far the demo is: one line that changes in a terminal, a line every second elsewhere. */
export class Progress {
  #nextStatus = 0;

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
    } else if (Date.now() >= this.#nextStatus) {
      this.#nextStatus = Date.now() + 1_000;
      this.out.write(`${text}\n`);
    }
  }

  #erase(): void {
    if (!this.out.isTTY) return;
    cursorTo(this.out, 0);
    clearLine(this.out, 0);
  }
}
