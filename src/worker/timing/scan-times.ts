import { findErrorCode } from "../../core/errors.js";

const minIntervalMs = 1_000;
/** After a wake-up that no claim explained. */
const minHintedIntervalMs = 100;
/** Due jobs behind the marks are never hidden for longer, whatever a look costs. */
const maxIntervalMs = 30_000;
/** A look from the beginning may take one part in so many of the time. */
const scanBudget = 20;

/**
 * When to look for jobs behind the marks.
 *
 * The clock cannot tell a look that had much to walk over from one that waited for a network, or for a server that stood still. What
 * is to be walked over grows slowly, though, and waits are rare: so of two looks in a row the shorter one tells the cost.
 */
export class ScanTimes {
  #next = 0;
  #nextHinted = 0;
  #lastMs = 0;

  /** @param isHinted somebody said that there are jobs, and a claim from the marks did not find them */
  isDue(isHinted = false): boolean {
    return performance.now() >= (isHinted ? this.#nextHinted : this.#next);
  }

  /** Carries out a look, and decides when the next one is due. One at a time. */
  async time<T>(look: () => Promise<T>): Promise<T> {
    this.#next = Infinity;
    this.#nextHinted = Infinity;
    const began = performance.now();
    let costMs = 0;
    const measure = () => {
      const tookMs = performance.now() - began;
      costMs = Math.min(tookMs, this.#lastMs);
      this.#lastMs = tookMs;
    };
    try {
      const found = await look();
      measure();
      return found;
    } catch (error) {
      // Of failures, only the statement timeout says that there was much to do; an outage is no cost of the look.
      if (findErrorCode(error) === "57014") measure();
      throw error;
    } finally {
      // Also when it failed: the claims between two looks must go on.
      const now = performance.now();
      const intervalMs = Math.min(maxIntervalMs, scanBudget * costMs);
      this.#next = now + Math.max(minIntervalMs, intervalMs);
      this.#nextHinted = now + Math.max(minHintedIntervalMs, intervalMs);
    }
  }
}
