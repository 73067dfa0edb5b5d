import { maxClaimBytes } from "../../jobs/claim/claim.js";

/**
 * How much the next claim of a queue asks for. One that failed, for whatever reason, asks for half of it next time: it may
 * have been more than PostgreSQL, or the network, gets done in time. With each claim that succeeds it grows back.
 */
export class ClaimSize {
  #maxJobs = Infinity;
  #maxBytes = maxClaimBytes;

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** @param wanted how many jobs there is room for */
  limit(wanted: number): number {
    return Math.min(wanted, this.#maxJobs);
  }

  /**
   * @param limit how many jobs it asked for
   * @param cutAt how many it claimed, if their bytes ended it: the next one need not lock many more than that
   */
  succeeded(limit: number, cutAt?: number): void {
    this.#maxBytes = Math.min(maxClaimBytes, 2 * this.#maxBytes);
    if (cutAt !== undefined) this.#maxJobs = 2 * cutAt;
    else if (limit >= this.#maxJobs) this.#maxJobs *= 2;
  }

  /** @param limit how many jobs it asked for */
  failed(limit: number): void {
    this.#maxBytes = Math.max(1, this.#maxBytes / 2);
    this.#maxJobs = Math.max(1, Math.floor(limit / 2));
  }
}
