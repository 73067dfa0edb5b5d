import type { Queryable } from "./queryable.js";

/**
 * Runs an operation whose failure the caller handles. On a transaction it runs in a savepoint, because its failure would
 * otherwise abort the transaction.
 */
export function runAtSavepoint<T>(db: Queryable, run: (db: Queryable) => Promise<T>): Promise<T> {
  return "rollback" in db ? db.transaction(run) : run(db);
}
