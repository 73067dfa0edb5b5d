import { classifyFailure, isForEveryRow, isRefusal } from "./failure.js";

/**
 * After this many refusals of single rows, the remaining rows are not tried, if no row was accepted and every refusal is of a kind that
 * usually concerns all rows. One refusal is not enough: a policy or trigger may refuse a single row with the same SQLSTATE.
 */
const maxLoneRefusals = 10;

/**
 * Runs a statement for many rows at once. If PostgreSQL refuses the statement, the rows are bisected, down to the single rows that
 * cause the refusal.
 *
 * @param onRefused called for each row that is refused by itself
 * @param maxRefusals after this many refused statements, the remaining rows are left for a later call, since the cause may not be the
 *   rows. Default: no limit
 * @returns the results of all rows that were not refused
 * @throws an error that single rows did not cause: an outage, or a refusal of every row; and any error that `onRefused` throws
 */
export async function bisectFailures<Row, Result>(
  rows: readonly Row[],
  run: (batch: readonly Row[]) => Promise<readonly Result[]>,
  onRefused: (row: Row, error: unknown) => void,
  maxRefusals = Infinity,
): Promise<Result[]> {
  const results: Result[] = [];
  const pending: (readonly Row[])[] = rows.length > 0 ? [rows] : [];
  const loneRefusals: { row: Row; error: unknown }[] = [];
  let acceptedRows = 0;
  let refusals = 0;
  for (let group = pending.pop(); group && refusals < maxRefusals; group = pending.pop()) {
    try {
      results.push(...(await run(group)));
      acceptedRows += group.length;
    } catch (error) {
      // `isRefusal` does not cover a RangeError: V8 could not build the statement.
      if (!isRefusal(error) && classifyFailure(error) !== "row") throw error;
      refusals += 1;
      if (group.length > 1) {
        const half = Math.ceil(group.length / 2);
        pending.push(group.slice(half), group.slice(0, half));
        continue;
      }
      loneRefusals.push({ row: group[0] as Row, error });
      const hasEnoughRefusals = acceptedRows === 0 && loneRefusals.length >= Math.min(maxLoneRefusals, rows.length);
      if (hasEnoughRefusals && loneRefusals.every((refusal) => isForEveryRow(refusal.error))) throw error;
    }
  }
  for (const { row, error } of loneRefusals) onRefused(row, error);
  return results;
}
