import { failureOf } from "./failure.js";

/**
 * Does something to many rows at once; where one of them makes it fail, to each half of them, down to that one alone.
 *
 * @param failed is told of each row to which it cannot be done
 * @returns what it brought, of all that did not fail
 * @throws what is no row's fault: an outage, and what `failed` throws
 */
export async function inHalves<Row, Brought>(
  rows: readonly Row[],
  run: (some: readonly Row[]) => Promise<readonly Brought[]>,
  failed: (row: Row, error: unknown) => void,
): Promise<Brought[]> {
  if (rows.length === 0) return [];
  try {
    return [...(await run(rows))];
  } catch (error) {
    if (failureOf(error) === "outage") throw error;
    if (rows.length > 1) {
      const half = Math.ceil(rows.length / 2);
      const first = await inHalves(rows.slice(0, half), run, failed);
      return [...first, ...(await inHalves(rows.slice(half), run, failed))];
    }
    failed(rows[0] as Row, error);
    return [];
  }
}
