import { toJson } from "../core/json.js";
import { pause } from "./duties.js";

/** How soon after one value is written the next one may be. */
const intervalMs = 250;

/**
 * What the handler of one attempt tells of its progress: written a few times a second, of which the latest value counts. It
 * never fails the job.
 */
export class Progress {
  /** A JSON text. */
  #unwritten: string | undefined;
  #writing: Promise<void> | undefined;
  readonly #held = new AbortController();

  /**
   * @param write writes a JSON text
   * @param failed is told what could not be written
   */
  constructor(
    private readonly write: (json: string) => Promise<void>,
    private readonly failed: (error: unknown) => void,
  ) {}

  report(value: unknown): void {
    try {
      this.#unwritten = toJson(value, "progress");
    } catch (error) {
      return this.failed(error);
    }
    if (!this.#held.signal.aborted) this.#writing ??= this.#writeOn();
  }

  /** Writes what is left, and from then on nothing by itself: the attempt has ended, or its transaction begins. */
  async hold(): Promise<void> {
    this.#held.abort();
    await this.#writing;
  }

  /** What was told since: for the transaction to write. */
  take(): string | undefined {
    const json = this.#unwritten;
    this.#unwritten = undefined;
    return json;
  }

  async #writeOn(): Promise<void> {
    for (let json = this.take(); json !== undefined; json = this.take()) {
      await this.write(json).catch(this.failed);
      await pause(intervalMs, this.#held.signal);
    }
    this.#writing = undefined;
  }
}
