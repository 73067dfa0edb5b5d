import type { Sql } from "postgres";
import { until } from "./until.ts";

/**
 * Runs a statement in a transaction that stays open: somebody else's, who takes their time.
 *
 * @returns a function that commits it
 */
export async function transactionWith(sql: Sql, statement: string): Promise<() => Promise<void>> {
  const connection = await sql.reserve();
  await connection.unsafe("begin");
  await connection.unsafe(statement);
  return async () => {
    await connection.unsafe("commit");
    connection.release();
  };
}

/** Resolves when so many statements wait for locks. */
export async function someoneWaits(sql: Sql, howMany = 1): Promise<void> {
  await until(async () => {
    const waiting = await sql`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return waiting.length >= howMany;
  });
}
