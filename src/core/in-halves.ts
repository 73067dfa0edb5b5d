import { failureOf, isForEveryRow, isRefusal } from "./failure.js";

/**
 * If so many rows in a row are refused one by one, none is accepted, and the refusal is of a kind that usually concerns every
 * row, then the others are not tried. A policy or trigger may refuse a single row with the same SQLSTATE.
 */
const maxLoneRefusals = 10;

/**
 * Does something to many rows at once; where PostgreSQL refuses that, to each half of them, down to the rows that are the cause.
 *
 * @param refused called for each row that is refused by itself
 * @param maxRefusals after so many refused statements the rest is left for another time, since it may not be the rows. Default: no bound
 * @returns what it brought for all rows that were not refused
 * @throws what is not the fault of single rows: an outage, or a refusal of every row; and what `refused` throws
 */
export async function inHalves<Row, Brought>(
  rows: readonly Row[],
  run: (some: readonly Row[]) => Promise<readonly Brought[]>,
  refused: (row: Row, error: unknown) => void,
  maxRefusals = Infinity,
): Promise<Brought[]> {
  const brought: Brought[] = [];
  const groups: (readonly Row[])[] = rows.length > 0 ? [rows] : [];
  const alone: { row: Row; error: unknown }[] = [];
  let done = 0;
  let refusals = 0;
  for (let group = groups.pop(); group && refusals < maxRefusals; group = groups.pop()) {
    try {
      brought.push(...(await run(group)));
      done += group.length;
    } catch (error) {
      // A RangeError says that V8 could not build the statement.
      if (!isRefusal(error) && failureOf(error) !== "row") throw error;
      refusals += 1;
      if (group.length > 1) {
        const half = Math.ceil(group.length / 2);
        groups.push(group.slice(half), group.slice(0, half));
        continue;
      }
      alone.push({ row: group[0] as Row, error });
      const enough = done === 0 && alone.length >= Math.min(maxLoneRefusals, rows.length);
      if (enough && alone.every((one) => isForEveryRow(one.error))) throw error;
    }
  }
  for (const { row, error } of alone) refused(row, error);
  return brought;
}
