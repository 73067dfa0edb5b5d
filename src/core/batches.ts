/**
 * How many bytes of rows one statement takes. PostgreSQL refuses JSON of more than 256 MB, and long before that a statement
 * would hold up everything behind it on its connection, and run into its timeout.
 */
const maxStatementBytes = 8 * 1024 * 1024;

/**
 * Cuts rows into batches that one statement each can take.
 *
 * @param maxRows how many rows a batch has at most
 * @param bytesOf about how many bytes a row adds to its statement
 * @returns the batches, in order; a row that exceeds the limit by itself is a batch by itself
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

/** Whether rows of so many bytes fill a statement. */
export function fillsStatement(bytes: number): boolean {
  return bytes >= maxStatementBytes;
}
