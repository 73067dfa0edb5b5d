import { sql } from "drizzle-orm";
import { oneRow } from "../core/fragments.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** One transaction of one backend. */
export interface Backend {
  readonly pid: number;
  /** When the transaction began, in seconds, as text: a pooler gives the backend to others afterwards. */
  readonly began: string;
  /** How long the server lets a transaction take, in milliseconds; 0 for any time. */
  readonly timeoutMs: number;
}

/**
 * Bounds the transaction that was just begun, however its connection was opened, and tells which backend carries it out.
 *
 * @param idleMs how long PostgreSQL waits for its next statement, before it ends transaction and connection
 * @param statementMs how long each of its statements may take
 * @returns what {@link cancelStatement} asks for
 */
export async function boundTransaction(tx: Queryable, idleMs: number, statementMs: number): Promise<Backend> {
  const [backend] = await builder(tx)
    .select({
      pid: sql<number>`pg_backend_pid()`,
      began: sql<string>`extract(epoch from now())::text`,
      idle: sql`set_config('idle_in_transaction_session_timeout', ${String(Math.ceil(idleMs))}, true)`,
      // PostgreSQL 17 and later.
      timeoutMs: sql<number>`coalesce(extract(epoch from current_setting('transaction_timeout', true)::interval) * 1000, 0)::float8`,
      statement: sql`set_config('statement_timeout', ${String(Math.ceil(statementMs))}, true)`,
    })
    .from(oneRow);
  return backend as Backend;
}

/** Cancels what a transaction of the same role is doing; one at rest is left alone. */
export async function cancelStatement(db: Queryable, { pid, began }: Backend): Promise<void> {
  await builder(db)
    .select({ sent: sql`pg_cancel_backend(pid)` })
    .from(sql`pg_stat_activity`)
    .where(sql`pid = ${pid}::int and extract(epoch from xact_start)::text = ${began}`);
}
