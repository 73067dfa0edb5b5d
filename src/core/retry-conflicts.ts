import { resolvePrimary } from "./builder.js";
import { findErrorCode } from "./errors.js";
import { runGuardedTransaction } from "./guarded-transaction.js";
import type { Queryable } from "./queryable.js";

const maxTries = 5;

/** Whether a serialization failure or deadlock rolled the statement back. A retry may succeed. */
export function isConflict(error: unknown): boolean {
  return ["40001", "40P01"].includes(findErrorCode(error) ?? "");
}

/**
 * Retries a statement after a deadlock, or after a serialization failure, which occurs if the database's default isolation level is
 * stricter than READ COMMITTED. The retry runs at READ COMMITTED, where the statement waits for concurrent transactions on the same
 * rows and does not fail. On a transaction it does not retry: the caller has to repeat the whole transaction.
 */
export async function retryConflicts<T>(db: Queryable, run: (db: Queryable) => PromiseLike<T>): Promise<T> {
  const isTransaction = "rollback" in resolvePrimary(db);
  for (let tries = 1; ; tries += 1) {
    try {
      if (tries === 1) return await run(db);
      return await runGuardedTransaction(db, async (tx) => run(tx), { isolationLevel: "read committed" });
    } catch (error) {
      if (isTransaction || tries === maxTries || !isConflict(error)) throw error;
    }
  }
}
