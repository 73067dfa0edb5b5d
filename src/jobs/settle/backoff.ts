const baseMs = 2_000;
const capMs = 3_600_000;

/**
 * Exponential backoff with full jitter, capped: a random time up to 2 s, 4 s, 8 s … an hour.
 * The formula is "full jitter" from Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 *
 * @param attempt the attempt that failed, from 1
 * @param random a number from 0 to 1
 * @returns milliseconds
 */
export function backoffMs(attempt: number, random: number): number {
  return Math.round(random * Math.min(capMs, baseMs * 2 ** (attempt - 1)));
}
