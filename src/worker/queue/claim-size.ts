import { maxClaimBytes } from "../../jobs/claim/claim.js";

/**
 * Limits the size of a queue's next claim. A failed claim halves the limits, whatever the reason: it may have been too large for
 * PostgreSQL, or for the network, to finish in time. Each successful claim doubles them again.
 */
export class ClaimSize {
  #maxJobs = Infinity;
  #maxBytes = maxClaimBytes;

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** @param room how many jobs the worker has room for */
  limit(room: number): number {
    return Math.min(room, this.#maxJobs);
  }

  /**
   * Grows the limits after a successful claim.
   *
   * @param limit how many jobs the claim requested
   * @param truncatedAt how many jobs it returned, if the byte limit ended it. The next claim then locks at most twice as many
   */
  grow(limit: number, truncatedAt?: number): void {
    this.#maxBytes = Math.min(maxClaimBytes, 2 * this.#maxBytes);
    if (truncatedAt !== undefined) this.#maxJobs = 2 * truncatedAt;
    else if (limit >= this.#maxJobs) this.#maxJobs *= 2;
  }

  /** Halves the limits after a failed claim. @param limit how many jobs the claim requested */
  halve(limit: number): void {
    this.#maxBytes = Math.max(1, this.#maxBytes / 2);
    this.#maxJobs = Math.max(1, Math.floor(limit / 2));
  }
}
