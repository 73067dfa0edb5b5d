import { and, eq, inArray, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder } from "../../core/builder.js";
import { bisectFailures } from "../../core/bisect-failures.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import type { Queryable } from "../../core/queryable.js";
import { retryConflicts } from "../../core/retry-conflicts.js";
import { runAtSavepoint } from "../../core/savepoint.js";
import { cancelChannel } from "../../sessions/doorbell.js";
import { sanitizeText } from "../../core/sanitize-text.js";
import { keepKeyWhile } from "../claim/end-claim.js";
import { idOf, type JobHandle } from "../row/job-handle.js";

/** After this many refused statements, the remaining jobs are left unchanged: the cause may not be the rows. */
const maxRefusals = 64;

/**
 * queued → cancelled. For an active job, requests the cancellation: the job's `signal` is aborted, and the job ends as cancelled
 * unless it still completes.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param handle the job's id, or the object that `enqueue` returned
 * @param reason stored with the job
 * @returns `"cancelled"`, `"requested"`, or `"not found"` if the job does not exist or has finished
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function cancelJob(
  db: Queryable,
  handle: JobHandle,
  reason = "cancelled",
): Promise<"cancelled" | "requested" | "not found"> {
  const id = idOf(handle);
  if (!Number.isSafeInteger(id)) return "not found";
  const job = await retryConflicts(db, (on) => cancelRow(on, id, sanitizeText(reason))).catch(explainMissingTables);
  if (!job) return "not found";
  return job.state === "cancelled" ? "cancelled" : "requested";
}

/**
 * queued → cancelled, for many jobs. Jobs that were claimed in the meantime keep running.
 *
 * @param onRefused called for each job that PostgreSQL refuses to change; the rest are still cancelled
 * @returns the jobs that were cancelled
 */
export async function cancelQueued(
  db: Queryable,
  ids: readonly number[],
  reason: string,
  onRefused: (id: number, error: unknown) => void,
): Promise<{ id: number }[]> {
  return bisectFailures(
    ids,
    (batch) => runAtSavepoint(db, (at) => cancelQueuedBatch(at, batch, reason)),
    onRefused,
    maxRefusals,
  );
}

function cancelQueuedBatch(db: Queryable, ids: readonly number[], reason: string): Promise<{ id: number }[]> {
  return builder(db)
    .update(soniqJobs)
    .set({
      state: "cancelled",
      finishedAt: sql`now()`,
      uniqueHeld: keepKeyWhile(sql`false`),
      cancelRequestedAt: sql`now()`,
      reason,
    })
    .where(and(sql`${soniqJobs.id} = ${anyId(ids)}`, sql`${soniqJobs.state} = 'queued'`))
    .returning({ id: soniqJobs.id });
}

async function cancelRow(db: Queryable, id: number, reason: string): Promise<{ state: string } | undefined> {
  const qb = builder(db);
  const queued = sql`${soniqJobs.state} = 'queued'`;
  const cancelled = qb.$with("cancelled").as(
    qb
      .update(soniqJobs)
      .set({
        state: sql`case when ${queued} then 'cancelled' else ${soniqJobs.state} end`,
        finishedAt: sql`case when ${queued} then now() end`,
        uniqueHeld: keepKeyWhile(sql`not (${queued})`),
        cancelRequestedAt: sql`coalesce(${soniqJobs.cancelRequestedAt}, now())`,
        reason,
      })
      .where(and(eq(soniqJobs.id, id), inArray(soniqJobs.state, ["queued", "active"])))
      .returning({ state: soniqJobs.state, workerId: soniqJobs.workerId }),
  );
  const [job] = await qb
    .with(cancelled)
    .select({
      state: cancelled.state,
      rung: sql`case when ${cancelled.workerId} is not null then pg_notify(${cancelChannel}, ${cancelled.workerId}::text) is null end`,
    })
    .from(cancelled);
  return job;
}
