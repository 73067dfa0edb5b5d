import { sql } from "drizzle-orm";
import { builder } from "../core/builder.js";
import { runGuardedTransaction } from "../core/guarded-transaction.js";
import type { Queryable } from "../core/queryable.js";

/** The limits of a transaction. */
export interface Bounds {
  readonly accessMode: "read only" | "read write";
  /** How long each statement may take, in milliseconds. PostgreSQL then cancels it (57014). */
  readonly statementTimeoutMs: number;
}

/** A statement that waits longer for a lock fails (55P03). */
const lockTimeoutMs = 2_000;

/** Runs statements in a separate transaction with short timeouts, whatever the session's settings. */
export async function runBoundedTransaction<T>(
  db: Queryable,
  { accessMode, statementTimeoutMs }: Bounds,
  run: (tx: Queryable) => Promise<T>,
): Promise<T> {
  return runGuardedTransaction(
    db,
    async (tx) => {
      await builder(tx).execute(
        sql`select set_config('statement_timeout', ${String(statementTimeoutMs)}, true), set_config('lock_timeout', ${String(lockTimeoutMs)}, true), set_config('jit', 'off', true)`,
      );
      return run(tx);
    },
    { accessMode, isolationLevel: "read committed" },
  );
}
