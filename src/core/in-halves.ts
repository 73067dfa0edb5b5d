import { isRefusal } from "./failure.js";

/**
 * Does something to many rows at once; where PostgreSQL refuses that, to each half of them, down to the rows that are the cause.
 *
 * @param refused is called for each row that is refused by itself
 * @param maxRefusals after so many refused statements the rest is left for another time, since it may not be the rows. Default: no bound
 * @returns what it brought, of all that were not refused
 * @throws what is no row's fault: an outage, and what `refused` throws
 */
export async function inHalves<Row, Brought>(
  rows: readonly Row[],
  run: (some: readonly Row[]) => Promise<readonly Brought[]>,
  refused: (row: Row, error: unknown) => void,
  maxRefusals = Infinity,
): Promise<Brought[]> {
  const brought: Brought[] = [];
  const groups: (readonly Row[])[] = rows.length > 0 ? [rows] : [];
  let refusals = 0;
  for (let group = groups.pop(); group && refusals < maxRefusals; group = groups.pop()) {
    try {
      brought.push(...(await run(group)));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refusals += 1;
      const half = Math.ceil(group.length / 2);
      if (group.length > 1) groups.push(group.slice(half), group.slice(0, half));
      else refused(group[0] as Row, error);
    }
  }
  return brought;
}
