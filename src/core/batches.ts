/**
 * The size limit of the rows in one statement. PostgreSQL refuses JSON of more than 256 MB, and a much smaller statement already
 * blocks all later statements on its connection and hits its timeout.
 */
const maxStatementBytes = 8 * 1024 * 1024;

/**
 * Splits rows into batches, each small enough for one statement.
 *
 * @param maxRows the maximum number of rows in a batch
 * @param bytesOf estimates how many bytes a row adds to its statement
 * @returns the batches, in order; a row that alone exceeds the size limit gets a batch to itself
 */
export function* splitIntoBatches<Row>(
  rows: readonly Row[],
  maxRows: number,
  bytesOf: (row: Row) => number,
): Generator<readonly Row[]> {
  let from = 0;
  let bytes = 0;
  for (const [i, row] of rows.entries()) {
    const rowBytes = bytesOf(row);
    if (i - from === maxRows || (i > from && bytes + rowBytes > maxStatementBytes)) {
      yield rows.slice(from, i);
      from = i;
      bytes = 0;
    }
    bytes += rowBytes;
  }
  if (from < rows.length) yield rows.slice(from);
}

/** Whether rows of this total size reach the limit of one statement. */
export function fillsStatement(bytes: number): boolean {
  return bytes >= maxStatementBytes;
}
