/**
 * How many rows the next statement may have: half as many after one that failed, for whatever reason, and twice as many after
 * one that was carried out. So nothing is sent again and again as it failed.
 */
export class BatchLimit {
  #rows: number;

  constructor(private readonly maxRows: number) {
    this.#rows = maxRows;
  }

  get rows(): number {
    return this.#rows;
  }

  failed(): void {
    this.#rows = Math.ceil(this.#rows / 2);
  }

  succeeded(): void {
    this.#rows = Math.min(this.maxRows, this.#rows * 2);
  }
}
