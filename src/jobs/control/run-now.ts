import { eq, isNull, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import type { Queryable } from "../../core/queryable.js";
import { retryConflicts } from "../../core/retry-conflicts.js";
import { ring } from "../../sessions/doorbell.js";
import { idOf, type JobHandle } from "../row/job-handle.js";
import { isParked } from "./park.js";

/**
 * queued for later → due now: makes a scheduled job, or a job in backoff, due at once. Its attempts do not change.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param handle the job's id, or the object that `enqueue` returned
 * @returns `"due"`, even if the job already was; `"parked"` for a webhook whose endpoint accepts no deliveries, which stays
 *   parked: resume the endpoint; `"active"` if the job is running; `"not found"` if the job does not exist or has finished
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function runJobNow(db: Queryable, handle: JobHandle): Promise<"due" | "parked" | "active" | "not found"> {
  const id = idOf(handle);
  if (!Number.isSafeInteger(id)) return "not found";
  const job = await retryConflicts(db, (on) => makeDue(on, id)).catch(explainMissingTables);
  if (!job) return "not found";
  if (job.state === "active") return "active";
  return job.isParked ? "parked" : "due";
}

async function makeDue(db: Queryable, id: number) {
  const qb = builder(db);
  // Locked, so that the returned state is the state that the update sees: a claim may run at the same time.
  const found = qb.$with("found").as(
    qb
      .select({
        id: soniqJobs.id,
        state: soniqJobs.state,
        finishedAt: soniqJobs.finishedAt,
        isParked: sql<boolean>`${isParked}`.as("is_parked"),
      })
      .from(soniqJobs)
      .where(eq(soniqJobs.id, id))
      .for("no key update"),
  );
  const moved = qb.$with("moved").as(
    qb
      .update(soniqJobs)
      // A job that is already due keeps its position.
      .set({ runAt: sql`least(${soniqJobs.runAt}, clock_timestamp())` })
      .where(
        sql`${soniqJobs.id} = any (array(select ${found.id} from ${found} where ${found.state} = 'queued' and not ${found.isParked}))`,
      )
      .returning({ queue: soniqJobs.queue }),
  );
  const [job] = await qb
    .with(found, moved)
    .select({
      state: found.state,
      isParked: found.isParked,
      rung: sql`(select ${ring(sql`${moved.queue}`)} from ${moved})`,
    })
    .from(found)
    .where(isNull(found.finishedAt));
  return job;
}
