import { clearLine, cursorTo } from "node:readline";
import type { WriteStream } from "node:tty";

/** Prints the demo's progress: in a terminal as one line that changes, elsewhere as one line per change, at most one a second. */
export class Progress {
  #nextStatus = 0;
  #lastStatus = "";

  constructor(private readonly out: WriteStream) {}

  /** Prints a permanent line. */
  print(text: string): void {
    this.#erase();
    this.out.write(`${text}\n`);
  }

  /** Replaces the line that shows the current state. */
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
