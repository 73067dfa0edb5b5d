const maxTurnMs = 50;
const retryMs = 5;

/**
 * Shares the event loop among callers that want to compute at the same time, such as jobs that end together: serializing their
 * results must not delay heartbeats. While many outcomes wait to be written, no further outcome is created, because each
 * holds a copy of its handler's result.
 */
export class Turns {
  #turnStartedAt: number | undefined;
  readonly #waiters: (() => void)[] = [];

  /** @param isCongested whether so many outcomes wait to be written that no further one should be created */
  constructor(private readonly isCongested: () => boolean) {}

  /** @returns a promise to await before computing; undefined if the caller may compute at once */
  waitForTurn(): Promise<void> | undefined {
    const now = performance.now();
    if (this.#turnStartedAt === undefined) {
      this.#turnStartedAt = now;
      setImmediate(() => this.#startNextTurn());
    }
    if (now - this.#turnStartedAt < maxTurnMs && this.#waiters.length === 0 && !this.isCongested()) return undefined;
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Resumes one waiter per turn of the event loop, so that network events are handled in between. */
  #startNextTurn(): void {
    if (this.#waiters.length > 0 && this.isCongested())
      return void setTimeout(() => this.#startNextTurn(), retryMs).unref();
    this.#turnStartedAt = undefined;
    const resume = this.#waiters.shift();
    if (!resume) return;
    this.#turnStartedAt = performance.now();
    setImmediate(() => this.#startNextTurn());
    resume();
  }
}
