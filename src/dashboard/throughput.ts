import type { MinuteCount } from "../stats/count-attempts.js";

/** Workers write down what they did every few seconds: over less time than this, all or nothing would have happened. */
const overMs = 10_000;

/** How many attempts end per second, by counts that are told again and again. */
export class Throughput {
  #minutes: readonly MinuteCount[] | undefined;
  /** How many have ended since it began to be told, and when that was known. */
  #known: { readonly atMs: number; readonly ended: number }[] = [];

  /** @param atMs when they were counted, by a clock that never goes back @returns per second; 0 at first */
  told(minutes: readonly MinuteCount[], atMs: number): number {
    const before = new Map(this.#minutes?.map(({ minute, attempts }) => [minute, attempts]));
    const since = this.#minutes
      ? minutes.reduce((sum, { minute, attempts }) => sum + attempts - (before.get(minute) ?? 0), 0)
      : 0;
    this.#minutes = minutes;
    const ended = (this.#known.at(-1)?.ended ?? 0) + Math.max(0, since);
    this.#known.push({ atMs, ended });
    // Of what is older, one is kept to count from.
    while (this.#known[1] && this.#known[1].atMs <= atMs - overMs) this.#known.shift();
    const first = this.#known[0] as { atMs: number; ended: number };
    return first.atMs === atMs ? 0 : (ended - first.ended) / ((atMs - first.atMs) / 1_000);
  }
}
