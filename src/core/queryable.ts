/**
 * Any Drizzle PostgreSQL database or transaction, of any driver and schema, of drizzle-orm 0.45 and 1.0.
 *
 * Told by its shape, and naming no type of Drizzle: the two majors share no class, and a project of CommonJS modules, or
 * with two copies of Drizzle, sees other types than we do. The last two methods exist on PostgreSQL only, which is what
 * keeps MySQL and SQLite out.
 */
// oxlint-disable no-explicit-any -- each driver's own query and transaction types must fit
export interface Queryable {
  execute(query: any): PromiseLike<unknown>;
  transaction<T>(run: (tx: any) => Promise<T>, config?: any): Promise<T>;
  selectDistinctOn: unknown;
  refreshMaterializedView: unknown;
}
