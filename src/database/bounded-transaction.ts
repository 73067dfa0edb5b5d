import { sql } from "drizzle-orm";
import { builder } from "../core/builder.js";
import { runGuardedTransaction } from "../core/guarded-transaction.js";
import type { Queryable } from "../core/queryable.js";

/** How a transaction is bounded. */
export interface Bounds {
  readonly accessMode: "read only" | "read write";
  /** How long each of its statements may take, in milliseconds; then PostgreSQL ends it (57014). */
  readonly statementTimeoutMs: number;
}

/** Whoever holds a row longer than that is not waited for (55P03). */
const lockTimeoutMs = 2_000;

/** Runs statements in a transaction of their own that cannot go on for long, whatever the session's settings. */
export async function boundedTransaction<T>(
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
