import { and, eq, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { anyId, builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** A job that this session holds. */
export interface Ownership {
  readonly id: number;
  readonly claims: number;
  readonly cancelRequested: boolean;
}

/**
 * Which of these jobs the session still holds, and which of them should be cancelled. By primary key: the owner index is
 * a place that the queue itself churns.
 *
 * @param ids jobs whose claim was known before this was asked, or a healthy new job would look lost
 */
export async function findOwned(db: Queryable, workerId: string, ids: readonly number[]): Promise<Ownership[]> {
  if (ids.length === 0) return [];
  return builder(db)
    .select({
      id: soniqJobs.id,
      claims: soniqJobs.claims,
      cancelRequested: sql<boolean>`${soniqJobs.cancelRequestedAt} is not null`,
    })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.id} = ${anyId(ids)}`, eq(soniqJobs.workerId, workerId)));
}

/**
 * Jobs that the session holds without knowing, because the reply to its claim was lost.
 *
 * @param known the jobs that the worker has in hand
 * @param olderThanMs how long ago a claim must be for its reply to be lost, not late
 */
export async function findLostClaims(
  db: Queryable,
  workerId: string,
  known: readonly number[],
  olderThanMs: number,
): Promise<Pick<Ownership, "id" | "claims">[]> {
  const held = await builder(db)
    .select({ id: soniqJobs.id, claims: soniqJobs.claims })
    .from(soniqJobs)
    .where(
      and(
        sql`${soniqJobs.state} = 'active'`,
        eq(soniqJobs.workerId, workerId),
        sql`${soniqJobs.claimedAt} < now() - ${olderThanMs}::float8 * interval '1 millisecond'`,
      ),
    );
  const inHand = new Set(known);
  return held.filter(({ id }) => !inHand.has(id));
}
