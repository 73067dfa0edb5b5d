import type { ClaimedJob } from "../../jobs/claim/claim.js";

/** A claimed job that has not started. */
export interface BufferedJob {
  readonly job: ClaimedJob;
  /** The session that claimed it. */
  readonly workerId: string;
  /** By `performance.now()`. */
  readonly claimedAt: number;
}

/** A job that has waited this long behind long-running jobs may start earlier in another worker. */
export const maxBufferMs = 2_000;
const maxCharacters = 16 * 1024 * 1024;

/** The claimed jobs that wait for a slot, in order. */
export class ClaimBuffer {
  #waiting: BufferedJob[] = [];
  #characters = 0;

  get length(): number {
    return this.#waiting.length;
  }

  /** Whether the payloads of the waiting jobs are so large in total that no more jobs should be claimed. */
  get isHeavy(): boolean {
    return this.#characters > maxCharacters;
  }

  jobs(): ClaimedJob[] {
    return this.#waiting.map(({ job }) => job);
  }

  /** @param urgent jobs that start before all waiting jobs */
  add(urgent: readonly BufferedJob[], rest: readonly BufferedJob[]): void {
    this.#waiting = [...urgent, ...this.#waiting, ...rest];
    for (const { job } of urgent) this.#characters += countCharacters(job);
    for (const { job } of rest) this.#characters += countCharacters(job);
  }

  shift(): BufferedJob | undefined {
    const next = this.#waiting.shift();
    if (next) this.#characters -= countCharacters(next.job);
    return next;
  }

  /** Removes and returns the jobs that `filter` selects. */
  take(filter: (buffered: BufferedJob) => boolean): BufferedJob[] {
    const matching = this.#waiting.filter(filter);
    if (matching.length === 0) return matching;
    const removed = new Set(matching);
    this.#waiting = this.#waiting.filter((buffered) => !removed.has(buffered));
    for (const { job } of matching) this.#characters -= countCharacters(job);
    return matching;
  }

  /** Removes and returns the jobs that have waited too long. */
  takeExpired(): BufferedJob[] {
    const oldest = performance.now() - maxBufferMs;
    return this.take(({ claimedAt }) => claimedAt < oldest);
  }
}

function countCharacters({ payload, tags, meta }: ClaimedJob): number {
  return payload.length + tags.length + meta.length;
}
