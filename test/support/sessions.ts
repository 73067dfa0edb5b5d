import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { Sql } from "postgres";
import { claim, type ClaimedJob } from "../../src/jobs/claim/claim.ts";
import { queueStart } from "../../src/jobs/claim/claim-positions.ts";
import { settle } from "../../src/jobs/settle/settle.ts";
import { openSession } from "../../src/sessions/session.ts";

/** The session of a worker that the test plays itself. @returns its id */
export function sessionOf(db: PostgresJsDatabase): Promise<string> {
  return openSession(db, { host: "played by a test", pid: 0, version: "0", queues: {}, leaseMs: 60_000 });
}

let claimTokens = 0;

/** What that worker claims. */
export function claimAs(
  db: PostgresJsDatabase,
  workerId: string,
  { queue = "default", limit = 100 }: { queue?: string; limit?: number } = {},
): Promise<ClaimedJob[]> {
  claimTokens += 1;
  const input = { workerId, claimToken: claimTokens, queue, limit, from: queueStart };
  return claim(db, { ...input, deadlines: "{}", defaultDeadlineMs: 60_000 });
}

/** Somebody begins to run a job. @returns ends that, as completed */
export async function startedJob(db: PostgresJsDatabase, sql: Sql, id: number): Promise<() => Promise<unknown>> {
  const queue = `of ${id}`;
  await sql`update soniq_jobs set queue = ${queue}, run_at = now() where id = ${id}`;
  const worker = await sessionOf(db);
  const [job] = await claimAs(db, worker, { queue });
  if (!job) throw new Error(`job ${id} cannot be started`);
  return () => settle(db, worker, [{ ...job, outcome: { kind: "completed", result: null } }]);
}

/** As if that worker had been silent for longer than its lease. */
export async function expireLease(sql: Sql, workerId: string): Promise<void> {
  await sql`update soniq_workers set lease_expires_at = now() - interval '1 second' where id = ${workerId}`;
}
