import type { SQLWrapper } from "drizzle-orm";

/**
 * Any Drizzle PostgreSQL database or transaction, of any driver and schema, of drizzle-orm 0.45 and 1.0.
 *
 * Told by its shape, since the two majors share no class: the last two methods exist on PostgreSQL only,
 * which is what keeps MySQL and SQLite out.
 */
export interface Queryable {
  execute(query: SQLWrapper | string): PromiseLike<unknown>;
  // oxlint-disable-next-line no-explicit-any -- a callback's parameter must accept each driver's own transaction
  transaction<T>(run: (tx: any) => Promise<T>): Promise<T>;
  selectDistinctOn: unknown;
  refreshMaterializedView: unknown;
}
