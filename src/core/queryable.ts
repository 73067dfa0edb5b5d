/**
 * Any Drizzle PostgreSQL database or transaction, of any driver and schema, of drizzle-orm 0.45 and 1.0.
 *
 * The type is structural and names no Drizzle type: the two major versions share no class, and a project with CommonJS modules or
 * two copies of Drizzle sees other types than this package does. Only PostgreSQL databases have the last two methods, so the type
 * excludes MySQL and SQLite.
 */
// oxlint-disable no-explicit-any -- each driver's own query and transaction types must fit
export interface Queryable {
  execute(query: any): PromiseLike<unknown>;
  transaction<T>(run: (tx: any) => Promise<T>, config?: any): Promise<T>;
  selectDistinctOn: unknown;
  refreshMaterializedView: unknown;
}
