import type { ClaimedJob } from "../../jobs/claim/claim.js";

/** A claimed job that has not started. */
export interface BufferedJob {
  readonly job: ClaimedJob;
  /** The session that claimed it. */
  readonly workerId: string;
  /** By `performance.now()`. */
  readonly claimedAt: number;
}

/** A job that waited so long behind long ones may start earlier in another worker. */
export const maxBufferMs = 2_000;
const maxCharacters = 16 * 1024 * 1024;

/** The jobs that wait in a worker's hand for a slot, in order. */
export class ClaimBuffer {
  #waiting: BufferedJob[] = [];
  #characters = 0;

  get length(): number {
    return this.#waiting.length;
  }

  /** Whether its payloads are so large together that no more should be claimed. */
  get isHeavy(): boolean {
    return this.#characters > maxCharacters;
  }

  jobs(): ClaimedJob[] {
    return this.#waiting.map(({ job }) => job);
  }

  /** @param urgent go before all that wait */
  add(urgent: readonly BufferedJob[], others: readonly BufferedJob[]): void {
    this.#waiting = [...urgent, ...this.#waiting, ...others];
    for (const { job } of urgent) this.#characters += size(job);
    for (const { job } of others) this.#characters += size(job);
  }

  shift(): BufferedJob | undefined {
    const next = this.#waiting.shift();
    if (next) this.#characters -= size(next.job);
    return next;
  }

  /** Takes out those that `which` picks. */
  take(which: (one: BufferedJob) => boolean): BufferedJob[] {
    const taken = this.#waiting.filter(which);
    if (taken.length === 0) return taken;
    const gone = new Set(taken);
    this.#waiting = this.#waiting.filter((one) => !gone.has(one));
    for (const { job } of taken) this.#characters -= size(job);
    return taken;
  }

  /** Takes out those that have waited too long. */
  takeExpired(): BufferedJob[] {
    const oldest = performance.now() - maxBufferMs;
    return this.take(({ claimedAt }) => claimedAt < oldest);
  }
}

function size({ payload, tags, meta }: ClaimedJob): number {
  return payload.length + tags.length + meta.length;
}
