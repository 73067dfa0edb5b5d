import { findErrorCode } from "../../core/errors.js";

const minIntervalMs = 1_000;
/** The minimum interval after a wake-up whose job the claims did not find. */
const minHintedIntervalMs = 100;
/** Due jobs behind the claim positions stay hidden for at most this time, whatever a full scan costs. */
const maxIntervalMs = 30_000;
/** The interval is at least this multiple of a full scan's duration: scans take at most one twentieth of the time. */
const minIntervalPerCost = 20;

/**
 * Decides when to scan for jobs behind the claim positions.
 *
 * A scan's duration does not show whether it read many rows or waited for the network or a stalled server. But the number of rows
 * grows slowly, and such waits are rare: so the shorter of two consecutive scans is taken as the cost.
 */
export class ScanTimes {
  #dueAt = 0;
  #hintedDueAt = 0;
  #lastDurationMs = 0;

  /** @param isHinted a wake-up announced jobs, and a claim from the claim positions did not find them */
  isDue(isHinted = false): boolean {
    return performance.now() >= (isHinted ? this.#hintedDueAt : this.#dueAt);
  }

  /** Runs a scan, and decides when the next one is due. No scan is due while this one runs. */
  async time<T>(scan: () => Promise<T>): Promise<T> {
    this.#dueAt = Infinity;
    this.#hintedDueAt = Infinity;
    const startedAt = performance.now();
    let costMs = 0;
    const measure = () => {
      const durationMs = performance.now() - startedAt;
      costMs = Math.min(durationMs, this.#lastDurationMs);
      this.#lastDurationMs = durationMs;
    };
    try {
      const result = await scan();
      measure();
      return result;
    } catch (error) {
      // Only a statement timeout shows that the scan itself was expensive; an outage does not.
      if (findErrorCode(error) === "57014") measure();
      throw error;
    } finally {
      // A failed scan waits for the interval, too, so that claims run between two scans.
      const now = performance.now();
      const intervalMs = Math.min(maxIntervalMs, minIntervalPerCost * costMs);
      this.#dueAt = now + Math.max(minIntervalMs, intervalMs);
      this.#hintedDueAt = now + Math.max(minHintedIntervalMs, intervalMs);
    }
  }
}
