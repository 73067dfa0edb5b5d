import { resolvePrimary } from "./builder.js";
import { findErrorCode } from "./errors.js";
import { runGuardedTransaction } from "./guarded-transaction.js";
import type { Queryable } from "./queryable.js";

const maxTries = 5;
/** Serialization failure, deadlock: nothing was written, and said again it may go. */
export function isConflict(error: unknown): boolean {
  return ["40001", "40P01"].includes(findErrorCode(error) ?? "");
}

/**
 * Says again what lost against others at the same rows, because the database's default is stricter than READ COMMITTED,
 * or in a deadlock: then at READ COMMITTED, where it waits for the others and does not lose.
 * On a transaction it fails at once: PostgreSQL wants the whole of that again, from whoever began it.
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
