import { eq, isNull, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import type { Queryable } from "../../core/queryable.js";
import { retryConflicts } from "../../core/retry-conflicts.js";
import { sanitizeText } from "../../core/sanitize-text.js";
import { keepKeyWhile } from "../claim/end-claim.js";
import { idOf, type JobHandle } from "../row/job-handle.js";

/**
 * queued → dead: gives up a waiting job, even if attempts are left. Unlike a cancelled job, the dead letter can be retried. An
 * active job does not change: cancel it, or let its handler return `job.discard(reason)`.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param handle the job's id, or the object that `enqueue` returned
 * @param reason stored with the job
 * @returns `"discarded"`; `"active"` if the job is running; `"not found"` if the job does not exist or has finished
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function discardJob(
  db: Queryable,
  handle: JobHandle,
  reason = "by hand",
): Promise<"discarded" | "active" | "not found"> {
  const id = idOf(handle);
  if (!Number.isSafeInteger(id)) return "not found";
  const job = await retryConflicts(db, (on) => discardRow(on, id, sanitizeText(reason))).catch(explainMissingTables);
  if (!job) return "not found";
  return job.state === "active" ? "active" : "discarded";
}

async function discardRow(db: Queryable, id: number, reason: string): Promise<{ state: string } | undefined> {
  const qb = builder(db);
  // Locked, so that the returned state is the state that the update sees: a claim may run at the same time.
  const found = qb
    .$with("found")
    .as(
      qb
        .select({ id: soniqJobs.id, state: soniqJobs.state, finishedAt: soniqJobs.finishedAt })
        .from(soniqJobs)
        .where(eq(soniqJobs.id, id))
        .for("no key update"),
    );
  const discarded = qb.$with("discarded").as(
    qb
      .update(soniqJobs)
      .set({
        state: "dead",
        finishedAt: sql`now()`,
        uniqueHeld: keepKeyWhile(sql`false`),
        reason: `discarded: ${reason}`,
      })
      .where(sql`${soniqJobs.id} = any (array(select ${found.id} from ${found} where ${found.state} = 'queued'))`)
      .returning({ id: soniqJobs.id }),
  );
  const [job] = await qb
    .with(found, discarded)
    .select({ state: found.state })
    .from(found)
    .where(isNull(found.finishedAt));
  return job;
}
