import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { Sql } from "postgres";
import { claim, type ClaimedJob } from "../../src/jobs/claim.ts";
import { fromTheBeginning } from "../../src/jobs/claim-marks.ts";
import { openSession } from "../../src/sessions/session.ts";

/** The session of a worker that the test plays itself. @returns its id */
export function sessionOf(db: PostgresJsDatabase): Promise<string> {
  return openSession(db, { host: "played by a test", pid: 0, version: "0", queues: {}, leaseMs: 60_000 });
}

/** What that worker claims. */
export function claimAs(
  db: PostgresJsDatabase,
  workerId: string,
  { queue = "default", limit = 100 }: { queue?: string; limit?: number } = {},
): Promise<ClaimedJob[]> {
  return claim(db, { workerId, queue, limit, from: fromTheBeginning, deadlines: "{}", defaultDeadlineMs: 60_000 });
}

/** As if that worker had been silent for longer than its lease. */
export async function expireLease(sql: Sql, workerId: string): Promise<void> {
  await sql`update soniq_workers set lease_expires_at = now() - interval '1 second' where id = ${workerId}`;
}
