/** Measures how long PostgreSQL has not executed one kind of statement, because it does not answer or returns errors. */
export class OutageTimer {
  /** The send times of the statements without an answer, oldest first. */
  readonly #inFlight = new Set<{ readonly at: number }>();
  #failingSince: number | undefined;

  /** @param isFailure whether an error means that the next statement would fail, too; by default, every error does */
  constructor(private readonly isFailure: (error: unknown) => boolean = () => true) {}

  async track<T>(statement: Promise<T>): Promise<T> {
    const entry = { at: performance.now() };
    this.#inFlight.add(entry);
    try {
      const answer = await statement;
      this.#failingSince = undefined;
      return answer;
    } catch (error) {
      if (this.isFailure(error)) this.#failingSince ??= entry.at;
      throw error;
    } finally {
      this.#inFlight.delete(entry);
    }
  }

  /** Ends the outage. Call this when no failed statement remains to be retried. */
  reset(): void {
    this.#failingSince = undefined;
  }

  /** Whether the last answered statement failed. */
  get isFailing(): boolean {
    return this.#failingSince !== undefined;
  }

  /** The duration in milliseconds; 0 if no statement is waiting for an answer and the last one succeeded. */
  get elapsedMs(): number {
    const [oldest] = this.#inFlight;
    const now = performance.now();
    return now - Math.min(oldest?.at ?? now, this.#failingSince ?? now);
  }
}
