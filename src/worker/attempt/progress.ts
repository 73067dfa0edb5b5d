import { toJson } from "../../core/json.js";
import type { saveProgress } from "../../jobs/settle/save-progress.js";
import { pause } from "../timing/periodic-tasks.js";

/** The minimum time between two writes. */
const intervalMs = 250;

/**
 * Writes the progress that the handler of one attempt reports. It writes only the latest value, at most four times a second. A
 * failed write never fails the job, and no write waits for a lock on the job's row.
 */
export class Progress {
  /** A JSON text. */
  #unwritten: string | undefined;
  #writing: Promise<void> | undefined;
  readonly #stop = new AbortController();
  #fenced = false;

  /**
   * @param write writes a JSON text, and returns whether it was written
   * @param onError receives the error of a value that cannot be serialized as JSON, or that the database refuses
   */
  constructor(
    private readonly write: (json: string) => ReturnType<typeof saveProgress>,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** The reported value that is not written yet. Reading does not clear it, since the transaction that writes it may be retried. */
  get unwritten(): string | undefined {
    return this.#unwritten;
  }

  report(value: unknown): void {
    // The claim has ended, so nobody will read the value.
    if (this.#fenced) return;
    try {
      this.#unwritten = toJson(value, "progress");
    } catch (error) {
      return this.onError(error);
    }
    if (!this.#stop.signal.aborted) this.#writing ??= this.#writeLoop();
  }

  /** Tries once more to write the latest value, and then stops, because the attempt has ended or its transaction begins. */
  async stopWriting(): Promise<void> {
    this.#stop.abort();
    await this.#writing;
  }

  async #writeLoop(): Promise<void> {
    while (this.#unwritten !== undefined) {
      const isLastTry = this.#stop.signal.aborted;
      const json = this.#unwritten;
      const result = await this.write(json).catch((error: unknown) => {
        this.onError(error);
        return "written";
      });
      if (result === "fenced") this.#fenced = true;
      if (this.#fenced || (result === "written" && this.#unwritten === json)) this.#unwritten = undefined;
      if (result === "locked" && isLastTry) break;
      await pause(intervalMs, this.#stop.signal);
    }
    this.#writing = undefined;
  }
}
