import { and, eq, sql } from "drizzle-orm";
import { float8, interval } from "../../core/fragments.js";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";

/** A job that this session holds. */
export interface Ownership {
  readonly id: number;
  readonly claimToken: number;
  readonly cancelRequested: boolean;
}

/** One claim of this session's. */
type Claim = Pick<Ownership, "id" | "claimToken">;

const nameOf = ({ id, claimToken }: Claim) => `${id} ${claimToken}`;

/**
 * Which of these jobs the session still holds, and which of them should be cancelled. By primary key: the owner index is
 * a place that the queue itself churns.
 *
 * @param ids jobs whose claim was known before this was asked, or a healthy new job would look taken
 */
export async function findOwned(db: Queryable, workerId: string, ids: readonly number[]): Promise<Ownership[]> {
  if (ids.length === 0) return [];
  return builder(db)
    .select({
      id: soniqJobs.id,
      claimToken: soniqJobs.claimToken,
      cancelRequested: sql<boolean>`${soniqJobs.cancelRequestedAt} is not null`,
    })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.id} = ${anyId(ids)}`, eq(soniqJobs.workerId, workerId)));
}

/**
 * Jobs that the session holds without knowing, because its claim was not answered.
 *
 * @param known the claims that the worker has in hand
 * @param olderThanMs how long ago a claim must be for its reply not to be just late
 */
export async function findUnansweredClaims(
  db: Queryable,
  workerId: string,
  known: readonly Claim[],
  olderThanMs: number,
): Promise<Claim[]> {
  const held = await builder(db)
    .select({ id: soniqJobs.id, claimToken: soniqJobs.claimToken })
    .from(soniqJobs)
    .where(
      and(
        sql`${soniqJobs.state} = 'active'`,
        eq(soniqJobs.workerId, workerId),
        sql`${soniqJobs.claimedAt} < now() - ${interval(float8(olderThanMs))}`,
      ),
    );
  const inHand = new Set(known.map(nameOf));
  return held.filter((claim) => !inHand.has(nameOf(claim)));
}
