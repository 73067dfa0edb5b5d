import { failureOf, isForEveryRow } from "./failure.js";

/**
 * If so many rows in a row are refused one by one, none is accepted, and the refusal is of a kind that usually concerns every
 * row, then the others are not tried. A policy or trigger may refuse a single row with the same SQLSTATE.
 */
const maxRefusals = 10;

/**
 * Does something to many rows at once. If that fails, it is done to each half of them, down to single rows.
 *
 * @param failed called for each row to which it cannot be done
 * @returns what it brought for all rows that did not fail
 * @throws what is not the fault of single rows: an outage, or a refusal of every row
 */
export async function inHalves<Row, Brought>(
  rows: readonly Row[],
  run: (some: readonly Row[]) => Promise<readonly Brought[]>,
  failed: (row: Row, error: unknown) => void,
): Promise<Brought[]> {
  const brought: Brought[] = [];
  const refused: { row: Row; error: unknown }[] = [];
  let done = 0;
  const waiting = rows.length > 0 ? [rows] : [];
  for (let some = waiting.pop(); some; some = waiting.pop()) {
    try {
      brought.push(...(await run(some)));
      done += some.length;
    } catch (error) {
      if (failureOf(error) === "outage") throw error;
      const [row] = some;
      if (some.length === 1) {
        refused.push({ row: row as Row, error });
        const enough = done === 0 && refused.length >= Math.min(maxRefusals, rows.length);
        if (enough && refused.every((one) => isForEveryRow(one.error))) throw error;
      } else {
        const half = Math.ceil(some.length / 2);
        waiting.push(some.slice(half), some.slice(0, half));
      }
    }
  }
  for (const { row, error } of refused) failed(row, error);
  return brought;
}
