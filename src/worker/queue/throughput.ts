/** The window for counting jobs: about as long as a claimed job should wait in the buffer. */
const windowMs = 100;

/** Counts how many jobs end per window. The result limits how many jobs may wait in the buffer. */
export class Throughput {
  #windowStart = performance.now();
  #previousJobs = 0;
  #currentJobs = 0;

  /** Records the end of a job. @param nowMs the current `performance.now()` */
  recordEnd(nowMs: number): void {
    this.#rotateWindow(nowMs);
    this.#currentJobs += 1;
  }

  /** Counts the jobs that ended in the current window or in the previous one, whichever is larger. */
  countPerWindow(): number {
    this.#rotateWindow(performance.now());
    return Math.max(this.#previousJobs, this.#currentJobs);
  }

  #rotateWindow(nowMs: number): void {
    const elapsedMs = nowMs - this.#windowStart;
    if (elapsedMs < windowMs) return;
    this.#previousJobs = elapsedMs < 2 * windowMs ? this.#currentJobs : 0;
    this.#currentJobs = 0;
    this.#windowStart = nowMs;
  }
}
