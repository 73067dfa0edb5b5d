/**
 * The number of rows that the next statement may have. A failed statement halves it, whatever the reason; a successful statement
 * doubles it. So a batch that failed is never retried at the same size again and again.
 */
export class BatchLimit {
  #rows: number;

  constructor(private readonly maxRows: number) {
    this.#rows = maxRows;
  }

  get rows(): number {
    return this.#rows;
  }

  shrink(): void {
    this.#rows = Math.ceil(this.#rows / 2);
  }

  grow(): void {
    this.#rows = Math.min(this.maxRows, this.#rows * 2);
  }
}
