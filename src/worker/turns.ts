const maxTurnMs = 50;

/**
 * Shares out the event loop among many that want to compute at the same time, as jobs that end together do: reading and writing
 * their results must not keep heartbeats from being sent.
 */
export class Turns {
  #since: number | undefined;
  readonly #waiting: (() => void)[] = [];

  /** @returns what is to be awaited before computing; undefined if nothing is */
  next(): Promise<void> | undefined {
    const now = performance.now();
    if (this.#since === undefined) {
      this.#since = now;
      setImmediate(() => this.#turn());
    }
    if (now - this.#since < maxTurnMs) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** One at a time, between what the network brings. */
  #turn(): void {
    this.#since = undefined;
    const next = this.#waiting.shift();
    if (!next) return;
    this.#since = performance.now();
    setImmediate(() => this.#turn());
    next();
  }
}
