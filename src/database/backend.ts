import { sql } from "drizzle-orm";
import { oneRow } from "../core/fragments.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** A transaction, and the PostgreSQL backend that runs it. */
export interface Backend {
  readonly pid: number;
  /**
   * The transaction's start in seconds since 1970, as text. It identifies the transaction: a pooler reuses the backend for
   * other clients.
   */
  readonly beganAt: string;
  /** The server's `transaction_timeout` in milliseconds; 0 if there is no limit. */
  readonly timeoutMs: number;
}

/**
 * Sets the timeouts of a transaction that has just begun, whatever the settings of its connection.
 *
 * @param idleTimeoutMs how long PostgreSQL waits for the next statement before it ends the transaction and its connection
 * @param statementTimeoutMs how long each statement may take
 * @returns the backend that runs the transaction, for {@link cancelStatement}
 */
export async function boundTransaction(
  tx: Queryable,
  idleTimeoutMs: number,
  statementTimeoutMs: number,
): Promise<Backend> {
  const [backend] = await builder(tx)
    .select({
      pid: sql<number>`pg_backend_pid()`,
      beganAt: sql<string>`extract(epoch from now())::text`,
      idle: sql`set_config('idle_in_transaction_session_timeout', ${String(Math.ceil(idleTimeoutMs))}, true)`,
      // PostgreSQL 17 and later.
      timeoutMs: sql<number>`coalesce(extract(epoch from current_setting('transaction_timeout', true)::interval) * 1000, 0)::float8`,
      statement: sql`set_config('statement_timeout', ${String(Math.ceil(statementTimeoutMs))}, true)`,
    })
    .from(oneRow);
  return backend as Backend;
}

/** Cancels the running statement of a transaction of the same role. An idle transaction is not affected. */
export async function cancelStatement(db: Queryable, { pid, beganAt }: Backend): Promise<void> {
  await builder(db)
    .select({ sent: sql`pg_cancel_backend(pid)` })
    .from(sql`pg_stat_activity`)
    .where(sql`pid = ${pid}::int and extract(epoch from xact_start)::text = ${beganAt}`);
}
