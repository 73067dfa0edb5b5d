/** How much goes into one batch. */
export interface BatchLimits<Row> {
  readonly maxRows: number;
  /** How many characters a row adds to its statement. */
  readonly charactersOf: (row: Row) => number;
}

/** PostgreSQL takes 256 MB of JSON at the most, and V8 a string of 512 MB: long rows go in smaller batches. */
const maxCharacters = 8 * 1024 * 1024;

/** Cuts rows into batches, each for one statement. A row that is longer than a batch may be is a batch by itself. */
export function* batches<Row>(
  rows: readonly Row[],
  { maxRows, charactersOf }: BatchLimits<Row>,
): Generator<readonly Row[]> {
  let from = 0;
  let characters = 0;
  for (const [at, row] of rows.entries()) {
    const length = charactersOf(row);
    if (at - from === maxRows || (at > from && characters + length > maxCharacters)) {
      yield rows.slice(from, at);
      from = at;
      characters = 0;
    }
    characters += length;
  }
  if (from < rows.length) yield rows.slice(from);
}
