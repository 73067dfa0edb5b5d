import { and, lte, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { isExpired } from "../claim/claimable.js";
import { anyId, builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import { cancelQueued } from "../control/cancel-job.js";
import type { RescueOptions } from "./rescue.js";

/**
 * queued → cancelled, for expired jobs, in the order of their expiry. Claims skip expired jobs, so a late call does no harm.
 *
 * @returns the jobs that were cancelled; none if no expired job is left
 */
export async function cancelExpired(
  db: Queryable,
  { limit, except = [], onRefused = () => {} }: RescueOptions,
): Promise<{ id: number }[]> {
  const expired = await builder(db)
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(
      and(
        // A literal: with a parameter, the planner could not use the partial index.
        sql`${soniqJobs.state} = 'queued'`,
        lte(soniqJobs.expiresAt, sql`now()`),
        isExpired,
        sql`not ${soniqJobs.id} = ${anyId(except)}`,
      ),
    )
    .orderBy(soniqJobs.expiresAt)
    .limit(limit)
    .for("no key update", { skipLocked: true });
  const ids = expired.map(({ id }) => id);
  return ids.length === 0 ? [] : cancelQueued(db, ids, "expired", onRefused);
}
