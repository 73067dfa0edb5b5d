import type { MinuteCount } from "../stats/count-attempts.js";

/** Workers write their stats every few seconds, so over a shorter window the rate would jump between zero and a burst. */
const windowMs = 10_000;

/** Computes how many attempts end per second, from counts that are read repeatedly. */
export class Throughput {
  #minutes: readonly MinuteCount[] | undefined;
  /** The number of attempts that have ended since the first update, by time. */
  #samples: { readonly atMs: number; readonly total: number }[] = [];

  /** @param atMs when they were counted, by a monotonic clock @returns attempts per second; 0 at the first update */
  update(minutes: readonly MinuteCount[], atMs: number): number {
    const previous = new Map(this.#minutes?.map(({ minute, attempts }) => [minute, attempts]));
    const newAttempts = this.#minutes
      ? minutes.reduce((sum, { minute, attempts }) => sum + attempts - (previous.get(minute) ?? 0), 0)
      : 0;
    this.#minutes = minutes;
    const total = (this.#samples.at(-1)?.total ?? 0) + Math.max(0, newAttempts);
    this.#samples.push({ atMs, total });
    // One sample that is older than the window is kept as its start.
    while (this.#samples[1] && this.#samples[1].atMs <= atMs - windowMs) this.#samples.shift();
    const first = this.#samples[0] as { atMs: number; total: number };
    return first.atMs === atMs ? 0 : (total - first.total) / ((atMs - first.atMs) / 1_000);
  }
}
