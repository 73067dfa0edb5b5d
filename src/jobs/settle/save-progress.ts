import { and, eq, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import type { ClaimedJob } from "../claim/claim.js";

type Claim = Pick<ClaimedJob, "id" | "claimToken">;

/**
 * Writes down how far an active job is, unless others have locked its row.
 *
 * @param progress a JSON text
 * @returns `fenced`: the claim has ended, so it never will be written
 */
export async function saveProgress(
  db: Queryable,
  workerId: string,
  job: Claim,
  progress: string,
): Promise<"written" | "locked" | "fenced"> {
  const free = new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(eq(soniqJobs.id, job.id))
    .for("no key update", { skipLocked: true });
  if (await save(db, workerId, job, progress, sql`${soniqJobs.id} = any (array(${free}))`)) return "written";
  const [standing] = await builder(db).select({ id: soniqJobs.id }).from(soniqJobs).where(isOf(workerId, job));
  return standing ? "locked" : "fenced";
}

/** The same in the job's own transaction, whose settle waits for the row in any case. */
export function saveProgressInTransaction(
  tx: Queryable,
  workerId: string,
  job: Claim,
  progress: string,
): Promise<boolean> {
  return save(tx, workerId, job, progress);
}

async function save(db: Queryable, workerId: string, job: Claim, progress: string, only?: SQL): Promise<boolean> {
  const saved = await builder(db)
    .update(soniqJobs)
    .set({ progress: sql`${progress}::text::jsonb` })
    .where(and(isOf(workerId, job), only))
    .returning({ id: soniqJobs.id });
  return saved.length > 0;
}

function isOf(workerId: string, { id, claimToken }: Claim): SQL | undefined {
  return and(eq(soniqJobs.id, id), eq(soniqJobs.claimToken, claimToken), eq(soniqJobs.workerId, workerId));
}
