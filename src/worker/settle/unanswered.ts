/** How long PostgreSQL has not carried out a kind of statement that it was asked for: it has not answered, or it has refused. */
export class Unanswered {
  /** When each statement that is under way was sent, oldest first. */
  readonly #sent = new Set<{ readonly at: number }>();
  #failingSince: number | undefined;

  /** @param isFailure whether an error says that the next statement would fail, too; by default every error does */
  constructor(private readonly isFailure: (error: unknown) => boolean = () => true) {}

  async during<T>(statement: Promise<T>): Promise<T> {
    const sent = { at: performance.now() };
    this.#sent.add(sent);
    try {
      const answer = await statement;
      this.#failingSince = undefined;
      return answer;
    } catch (error) {
      if (this.isFailure(error)) this.#failingSince ??= sent.at;
      throw error;
    } finally {
      this.#sent.delete(sent);
    }
  }

  /** Nothing is left that was not carried out. */
  forget(): void {
    this.#failingSince = undefined;
  }

  /** Whether the last statement that came to an end was not carried out. */
  get isFailing(): boolean {
    return this.#failingSince !== undefined;
  }

  /** Milliseconds; 0 if nothing is awaited, and the last statement was carried out. */
  get ms(): number {
    const [oldest] = this.#sent;
    const now = performance.now();
    return now - Math.min(oldest?.at ?? now, this.#failingSince ?? now);
  }
}
