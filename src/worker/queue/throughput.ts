/** Over what time jobs are counted: about how long a claimed job should wait in the buffer. */
const windowMs = 100;

/** Counts how many jobs end per window, to tell how many may wait in hand. */
export class Throughput {
  #windowStart = performance.now();
  #before = 0;
  #now = 0;

  /** @param now what `performance.now()` says */
  count(now: number): void {
    this.#turn(now);
    this.#now += 1;
  }

  /** Jobs that ended in the busier of this window and the one before. */
  perWindow(): number {
    this.#turn(performance.now());
    return Math.max(this.#before, this.#now);
  }

  #turn(now: number): void {
    const elapsed = now - this.#windowStart;
    if (elapsed < windowMs) return;
    this.#before = elapsed < 2 * windowMs ? this.#now : 0;
    this.#now = 0;
    this.#windowStart = now;
  }
}
