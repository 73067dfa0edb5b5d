import type { Queryable } from "./queryable.js";

/** Runs what may fail and be gone around: on a transaction below a savepoint, or its failure would be the transaction's. */
export function runAtSavepoint<T>(db: Queryable, run: (db: Queryable) => Promise<T>): Promise<T> {
  return "rollback" in db ? db.transaction(run) : run(db);
}
