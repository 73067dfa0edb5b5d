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

/** A claim of this session. */
type Claim = Pick<Ownership, "id" | "claimToken">;

const toClaimKey = ({ id, claimToken }: Claim) => `${id} ${claimToken}`;

/**
 * Finds the jobs that the session still holds, and whether their cancellation was requested. Reads by primary key, because the
 * queue itself churns the owner index.
 *
 * @param ids jobs whose claim was known before this call; a job that is claimed during the call would look lost
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
 * Finds the jobs that the session holds without knowing it, because the reply to the claim was lost.
 *
 * @param knownClaims the claims that the worker knows of
 * @param olderThanMs the minimum age of a claim; the reply to a younger claim may only be late
 */
export async function findUnansweredClaims(
  db: Queryable,
  workerId: string,
  knownClaims: readonly Claim[],
  olderThanMs: number,
): Promise<Claim[]> {
  const stored = await builder(db)
    .select({ id: soniqJobs.id, claimToken: soniqJobs.claimToken })
    .from(soniqJobs)
    .where(
      and(
        sql`${soniqJobs.state} = 'active'`,
        eq(soniqJobs.workerId, workerId),
        sql`${soniqJobs.claimedAt} < now() - ${interval(float8(olderThanMs))}`,
      ),
    );
  const knownKeys = new Set(knownClaims.map(toClaimKey));
  return stored.filter((claim) => !knownKeys.has(toClaimKey(claim)));
}
