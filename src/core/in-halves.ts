import { classifyFailure, isForEveryRow, isRefusal } from "./failure.js";

/**
 * If so many rows in a row are refused one by one, none is accepted, and the refusal is of a kind that usually concerns every
 * row, then the others are not tried. A policy or trigger may refuse a single row with the same SQLSTATE.
 */
const maxLoneRefusals = 10;

/**
 * Does something to many rows at once; where PostgreSQL refuses that, to each half of them, down to the rows that are the cause.
 *
 * @param onRefused called for each row that is refused by itself
 * @param maxRefusals after so many refused statements the rest is left for another time, since it may not be the rows. Default: no bound
 * @returns what it brought for all rows that were not refused
 * @throws what is not the fault of single rows: an outage, or a refusal of every row; and what `refused` throws
 */
export async function bisectFailures<Row, Result>(
  rows: readonly Row[],
  run: (batch: readonly Row[]) => Promise<readonly Result[]>,
  onRefused: (row: Row, error: unknown) => void,
  maxRefusals = Infinity,
): Promise<Result[]> {
  const results: Result[] = [];
  const groups: (readonly Row[])[] = rows.length > 0 ? [rows] : [];
  const loneRefusals: { row: Row; error: unknown }[] = [];
  let acceptedRows = 0;
  let refusals = 0;
  for (let group = groups.pop(); group && refusals < maxRefusals; group = groups.pop()) {
    try {
      results.push(...(await run(group)));
      acceptedRows += group.length;
    } catch (error) {
      // A RangeError says that V8 could not build the statement.
      if (!isRefusal(error) && classifyFailure(error) !== "row") throw error;
      refusals += 1;
      if (group.length > 1) {
        const half = Math.ceil(group.length / 2);
        groups.push(group.slice(half), group.slice(0, half));
        continue;
      }
      loneRefusals.push({ row: group[0] as Row, error });
      const isEveryRowRefused = acceptedRows === 0 && loneRefusals.length >= Math.min(maxLoneRefusals, rows.length);
      if (isEveryRowRefused && loneRefusals.every((one) => isForEveryRow(one.error))) throw error;
    }
  }
  for (const { row, error } of loneRefusals) onRefused(row, error);
  return results;
}
