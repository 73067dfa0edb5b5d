import { toJson } from "../../core/json.js";
import type { saveProgress } from "../../jobs/settle/save-progress.js";
import { pause } from "../timing/periodic-tasks.js";

/** How soon after one value is written the next one may be. */
const intervalMs = 250;

/**
 * What the handler of one attempt tells of its progress: written a few times a second, of which the latest value counts. It
 * never fails the job, nor waits for whoever has locked the job's row.
 */
export class Progress {
  /** A JSON text. */
  #unwritten: string | undefined;
  #writing: Promise<void> | undefined;
  readonly #held = new AbortController();
  #fenced = false;

  /**
   * @param write writes a JSON text, and says whether it could
   * @param failed is told of a value that is no JSON, or that the database refuses
   */
  constructor(
    private readonly write: (json: string) => ReturnType<typeof saveProgress>,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** What is told, and not written yet. It stays: the transaction that writes it may have to begin again. */
  get unwritten(): string | undefined {
    return this.#unwritten;
  }

  report(value: unknown): void {
    // The claim has ended: nobody will read it.
    if (this.#fenced) return;
    try {
      this.#unwritten = toJson(value, "progress");
    } catch (error) {
      return this.failed(error);
    }
    if (!this.#held.signal.aborted) this.#writing ??= this.#writeOn();
  }

  /** Tries to write what is left, and from then on nothing by itself: the attempt has ended, or its transaction begins. */
  async hold(): Promise<void> {
    this.#held.abort();
    await this.#writing;
  }

  async #writeOn(): Promise<void> {
    while (this.#unwritten !== undefined) {
      const last = this.#held.signal.aborted;
      const json = this.#unwritten;
      const written = await this.write(json).catch((error: unknown) => {
        this.failed(error);
        return "written";
      });
      if (written === "fenced") this.#fenced = true;
      if (this.#fenced || (written === "written" && this.#unwritten === json)) this.#unwritten = undefined;
      if (written === "locked" && last) break;
      await pause(intervalMs, this.#held.signal);
    }
    this.#writing = undefined;
  }
}
