import type { SQLWrapper } from "drizzle-orm";
import { builder } from "./builder.js";
import type { Queryable } from "./queryable.js";

/**
 * Runs a statement of the builder and returns the driver's rows, with the SQL names of the columns. Batches use it, because Drizzle's
 * mapping of a row takes longer than all other work on the job.
 */
export async function fetchRows<Row>(db: Queryable, statement: SQLWrapper): Promise<Row[]> {
  const result: unknown = await builder(db).execute(statement.getSQL());
  return (Array.isArray(result) ? result : (result as { rows: unknown[] }).rows) as Row[];
}
