import { and, lte, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { isExpired } from "../claim/claimable.js";
import { anyId, builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import { cancelQueued } from "../control/cancel.js";
import type { RescueOptions } from "./rescue.js";

/**
 * queued → cancelled, for jobs that have expired, those that expired first before the others. Claims pass over them, however late
 * this comes.
 *
 * @returns those that were cancelled; none once there are no more
 */
export async function cancelExpired(
  db: Queryable,
  { limit, except = [], refused = () => {} }: RescueOptions,
): Promise<{ id: number }[]> {
  const expired = await builder(db)
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(
      and(
        // Literal, or the planner could not tell that the partial index serves.
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
  return ids.length === 0 ? [] : cancelQueued(db, ids, "expired", refused);
}
