import { type Column, type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";

/**
 * What an enqueue writes into the waiting job that holds its key: what the job is, and with `reschedule` also where it stands.
 *
 * A replaced job keeps its place, or a key that is enqueued faster than it is worked would never have its turn.
 */
export function changes(onConflict: "replace" | "reschedule", maxWaitMs: SQL) {
  const content = {
    payload: enqueued(soniqJobs.payload),
    maxAttempts: enqueued(soniqJobs.maxAttempts),
    tags: enqueued(soniqJobs.tags),
    meta: enqueued(soniqJobs.meta),
    uniqueUntil: enqueued(soniqJobs.uniqueUntil),
  };
  if (onConflict === "replace") return content;
  return {
    ...content,
    queue: enqueued(soniqJobs.queue),
    priority: enqueued(soniqJobs.priority),
    runAt: noLater(enqueued(soniqJobs.runAt), soniqJobs.createdAt, maxWaitMs),
  };
}

/** A running job is not changed: it has read its payload. */
export const isWaiting = sql`${soniqJobs.state} = 'queued'`;

/** Told by the row's `xmax`, in which only a row that was there before has the transaction that changed it. */
export const wasThere = sql<boolean>`xmax <> 0`;

/** A time to run at that a job is not put off beyond; nor is it put behind the claims' marks. */
export function noLater(runAt: SQL, createdAt: SQL | Column, maxWaitMs: SQL): SQL {
  return sql`greatest(clock_timestamp(), least(${runAt}, ${createdAt} + ${maxWaitMs}::float8 * interval '1 millisecond'))`;
}

function enqueued(column: Column): SQL {
  return sql`excluded.${sql.identifier(column.name)}`;
}
