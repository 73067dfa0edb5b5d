import type { SQLWrapper } from "drizzle-orm";
import { builder } from "./builder.js";
import type { Queryable } from "./queryable.js";

/**
 * Runs a statement of the builder's, and gives its rows as the driver does, under the columns' names in SQL. For batches:
 * Drizzle's mapping of a row takes longer than all that a worker does with the job.
 */
export async function fetchRows<Row>(db: Queryable, statement: SQLWrapper): Promise<Row[]> {
  const result: unknown = await builder(db).execute(statement.getSQL());
  return (Array.isArray(result) ? result : (result as { rows: unknown[] }).rows) as Row[];
}
