import { type SQL, sql } from "drizzle-orm";
import { isLive } from "../core/fragments.js";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWorkers } from "../../schema/workers.js";
import { createRateLimit } from "../core/rate-limit.js";

/** Carries the name of a queue that has new jobs. */
export const wakeUpChannel = "soniq_wake_up";
/** Carries the id of a worker session that should check its jobs for cancellation. */
export const cancelChannel = "soniq_cancel";
/** Carries the id of a job whose result somebody waits for. */
export const waitChannel = "soniq_wait";
/** Carries the ids of finished jobs that somebody waits for. */
export const finishedChannel = "soniq_finished";

/**
 * The minimum interval between two rings of a process for the same queue. A NOTIFY takes a database-wide lock at commit. A worker
 * that was woken polls again after this interval, to find the jobs whose ring was suppressed.
 */
export const ringIntervalMs = 10;

/**
 * Limits the rings of this process. It is global, because `enqueue` is a plain function without state, and the lock is
 * database-wide.
 */
export const mayRing = createRateLimit(ringIntervalMs);

/** Sends a NOTIFY if a live session waits for jobs of this queue. It is only a hint: polling finds the job without it. */
export function ring(queue: string | SQL): SQL<string | null> {
  const waits = sql`select 1 from ${soniqWorkers} where ${isLive} and ${soniqWorkers.idleQueues} @> pg_catalog.to_jsonb(${queue}::text)`;
  return sql<string | null>`case when exists (${waits}) then pg_notify(${wakeUpChannel}, ${queue}) is null end`;
}

/**
 * Asks the workers to notify when the job finishes, unless it already has. It is only a hint: polling finds the result without
 * it.
 */
export function ringForResult(): SQL<boolean | null> {
  return sql<
    boolean | null
  >`case when ${soniqJobs.finishedAt} is null then pg_notify(${waitChannel}, ${soniqJobs.id}::text) is null end`;
}
