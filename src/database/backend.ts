import { sql } from "drizzle-orm";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/**
 * Bounds the transaction that was just begun, however its connection was opened, and tells which backend carries it out.
 *
 * @param idleMs how long PostgreSQL waits for its next statement, before it ends transaction and connection
 * @param statementMs how long each of its statements may take
 * @returns the backend's process id, for {@link cancelStatement}
 */
export async function boundTransaction(tx: Queryable, idleMs: number, statementMs: number): Promise<number> {
  const [backend] = await builder(tx)
    .select({
      pid: sql<number>`pg_backend_pid()`,
      idle: sql`set_config('idle_in_transaction_session_timeout', ${String(Math.ceil(idleMs))}, true)`,
      statement: sql`set_config('statement_timeout', ${String(Math.ceil(statementMs))}, true)`,
    })
    .from(sql`(values (1)) as one`);
  return (backend as { pid: number }).pid;
}

/** Cancels what a backend of the same role is doing; one at rest is left alone. */
export async function cancelStatement(db: Queryable, pid: number): Promise<void> {
  await builder(db)
    .select({ sent: sql`pg_cancel_backend(${pid}::int)` })
    .from(sql`(values (1)) as one`);
}
