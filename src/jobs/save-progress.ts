import { and, eq, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import type { ClaimedJob } from "./claim.js";

/**
 * Writes down how far an active job is; nothing if its claim has ended.
 *
 * @param progress a JSON text
 */
export async function saveProgress(
  db: Queryable,
  workerId: string,
  { id, claims }: Pick<ClaimedJob, "id" | "claims">,
  progress: string,
): Promise<void> {
  await builder(db)
    .update(soniqJobs)
    .set({ progress: sql`${progress}::text::jsonb` })
    .where(and(eq(soniqJobs.id, id), eq(soniqJobs.claims, claims), eq(soniqJobs.workerId, workerId)));
}
