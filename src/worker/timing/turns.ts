const maxTurnMs = 50;
const retryMs = 5;

/**
 * Shares out the event loop among many that want to compute at the same time, as jobs that end together do: reading and writing
 * their results must not keep heartbeats from being sent. While outcomes wait to be written, no more are made: each is a copy of
 * what its handler returned.
 */
export class Turns {
  #since: number | undefined;
  readonly #waiting: (() => void)[] = [];

  /** @param isCongested whether enough outcomes wait to be written */
  constructor(private readonly isCongested: () => boolean) {}

  /** @returns what is to be awaited before computing; undefined if nothing is */
  next(): Promise<void> | undefined {
    const now = performance.now();
    if (this.#since === undefined) {
      this.#since = now;
      setImmediate(() => this.#turn());
    }
    if (now - this.#since < maxTurnMs && this.#waiting.length === 0 && !this.isCongested()) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** One at a time, between what the network brings. */
  #turn(): void {
    if (this.#waiting.length > 0 && this.isCongested()) return void setTimeout(() => this.#turn(), retryMs).unref();
    this.#since = undefined;
    const next = this.#waiting.shift();
    if (!next) return;
    this.#since = performance.now();
    setImmediate(() => this.#turn());
    next();
  }
}
