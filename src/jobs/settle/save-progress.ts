import { and, eq, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import type { ClaimedJob } from "../claim/claim.js";

type Claim = Pick<ClaimedJob, "id" | "claimToken">;

/**
 * Stores the progress of an active job, unless another transaction has locked its row.
 *
 * @param progress a JSON text
 * @returns `fenced` if the claim has ended, so that this progress can never be written
 */
export async function saveProgress(
  db: Queryable,
  workerId: string,
  job: Claim,
  progress: string,
): Promise<"written" | "locked" | "fenced"> {
  const unlocked = new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(eq(soniqJobs.id, job.id))
    .for("no key update", { skipLocked: true });
  if (await save(db, workerId, job, progress, sql`${soniqJobs.id} = any (array(${unlocked}))`)) return "written";
  const [claim] = await builder(db).select({ id: soniqJobs.id }).from(soniqJobs).where(isClaim(workerId, job));
  return claim ? "locked" : "fenced";
}

/**
 * Stores the progress in the job's own transaction. It does not skip a locked row, because the transaction's settle waits for the
 * row anyway.
 */
export function saveProgressInTransaction(
  tx: Queryable,
  workerId: string,
  job: Claim,
  progress: string,
): Promise<boolean> {
  return save(tx, workerId, job, progress);
}

async function save(db: Queryable, workerId: string, job: Claim, progress: string, condition?: SQL): Promise<boolean> {
  const saved = await builder(db)
    .update(soniqJobs)
    .set({ progress: sql`${progress}::text::jsonb` })
    .where(and(isClaim(workerId, job), condition))
    .returning({ id: soniqJobs.id });
  return saved.length > 0;
}

function isClaim(workerId: string, { id, claimToken }: Claim): SQL | undefined {
  return and(eq(soniqJobs.id, id), eq(soniqJobs.claimToken, claimToken), eq(soniqJobs.workerId, workerId));
}
