import { type SQL, sql } from "drizzle-orm";
import { isLive } from "../core/fragments.js";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWorkers } from "../../schema/workers.js";
import { createRateLimit } from "../core/rate-limit.js";

/** Says in which queue there is work. */
export const wakeUpChannel = "soniq_wake_up";
/** Says which worker session should ask whether its jobs are cancelled. */
export const cancelChannel = "soniq_cancel";
/** Says for which job's result somebody waits. */
export const waitChannel = "soniq_wait";
/** Says which of the jobs that somebody waits for have finished. */
export const finishedChannel = "soniq_finished";

/**
 * How long a process waits before it rings again for a queue. A NOTIFY takes a database-wide lock at commit; a worker
 * that was woken looks again after this time, for the jobs that rang no bell of their own.
 */
export const ringIntervalMs = 10;

/** One limit per process: `enqueue` is a free function, and the lock it spares is the database's. */
export const mayRing = createRateLimit(ringIntervalMs);

/** Notifies if a live session waits for work in this queue. A hint: polling finds the job without it. */
export function ring(queue: string | SQL): SQL<string | null> {
  const waits = sql`select 1 from ${soniqWorkers} where ${isLive} and ${soniqWorkers.idleQueues} @> pg_catalog.to_jsonb(${queue}::text)`;
  return sql<string | null>`case when exists (${waits}) then pg_notify(${wakeUpChannel}, ${queue}) is null end`;
}

/** Asks the workers to tell when a job finishes, if it has not. A hint: polling finds its result without it. */
export function ringForResult(): SQL<boolean | null> {
  return sql<
    boolean | null
  >`case when ${soniqJobs.finishedAt} is null then pg_notify(${waitChannel}, ${soniqJobs.id}::text) is null end`;
}
