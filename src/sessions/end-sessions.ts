import { and, isNotNull, isNull, lt, type SQL, sql } from "drizzle-orm";
import { float8, interval } from "../core/fragments.js";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { isOnAnotherTimeline, revokedLease } from "./timeline.js";

/**
 * Ends the sessions whose lease has expired. It skips a session whose heartbeat is in flight, because the heartbeat holds the row's lock.
 *
 * @param timeline from `findTimeline`: with it, an outage that ends in a failover does not count as a crash of the workers
 * @returns the ids of the ended sessions
 */
export async function expireSessions(db: Queryable, timeline?: SQL): Promise<string[]> {
  const expired = new QueryBuilder()
    .select({ id: soniqWorkers.id })
    .from(soniqWorkers)
    .where(and(isNull(soniqWorkers.endedAt), lt(soniqWorkers.leaseExpiresAt, sql`now()`)))
    .for("no key update", { skipLocked: true });
  const dead = await builder(db)
    .update(soniqWorkers)
    .set({
      endedAt: sql`now()`,
      idleQueues: sql`'[]'::jsonb`,
      leaseExpiresAt: sql`case when ${isOnAnotherTimeline(timeline)} then ${revokedLease} else ${soniqWorkers.leaseExpiresAt} end`,
    })
    .where(sql`${soniqWorkers.id} = any (array(${expired}))`)
    .returning({ id: soniqWorkers.id });
  return dead.map(({ id }) => id);
}

/**
 * Ends the sessions that began before this server started. PGlite needs this: only one process can have it open, so the processes of
 * earlier sessions have ended.
 *
 * @returns the ids of the ended sessions
 */
export async function endEarlierSessions(db: Queryable): Promise<string[]> {
  const dead = await builder(db)
    .update(soniqWorkers)
    .set({ endedAt: sql`now()`, idleQueues: sql`'[]'::jsonb` })
    .where(and(isNull(soniqWorkers.endedAt), lt(soniqWorkers.startedAt, sql`pg_postmaster_start_time()`)))
    .returning({ id: soniqWorkers.id });
  return dead.map(({ id }) => id);
}

/**
 * Finds an active job of a session. `exists` will not do: the planner may turn it into a hash of all active jobs, and scan the owner
 * index entries of all sessions.
 */
const firstActiveJob = sql`select 1 from ${soniqJobs} where state = 'active' and worker_id = ${soniqWorkers}.id limit 1`;

/** A session that has ended. */
export interface EndedSession {
  readonly id: string;
  /** Whether it still holds active jobs. */
  readonly holdsJobs: boolean;
  /** Whether it can no longer gain jobs: a claim that began before the session's end may commit after it. */
  readonly isFinal: boolean;
}

/**
 * Finds the sessions that have ended. For each session, it scans the session's entries in the owner index. While an old snapshot is
 * held open, these are all jobs that the session ever had, so callers should exclude sessions that hold no jobs and are final.
 *
 * @param excludedIds the sessions to leave out
 * @param maxClaimMs how long a claim may take
 */
export async function findEndedSessions(
  db: Queryable,
  excludedIds: readonly string[],
  maxClaimMs: number,
): Promise<EndedSession[]> {
  return builder(db)
    .select({
      id: soniqWorkers.id,
      holdsJobs: sql<boolean>`(${firstActiveJob}) is not null`,
      isFinal: sql<boolean>`${soniqWorkers.endedAt} < now() - ${interval(float8(maxClaimMs))}`,
    })
    .from(soniqWorkers)
    .where(
      and(
        isNotNull(soniqWorkers.endedAt),
        sql`not ${soniqWorkers.id} = any (${`{${excludedIds.join()}}`}::text::uuid[])`,
      ),
    );
}

/** Deletes the sessions that ended before this time and hold no jobs: every job of theirs has been rescued. */
export async function deleteEndedSessions(db: Queryable, olderThanMs: number): Promise<void> {
  await builder(db)
    .delete(soniqWorkers)
    .where(
      and(
        isNotNull(soniqWorkers.endedAt),
        lt(soniqWorkers.endedAt, sql`now() - ${interval(float8(olderThanMs))}`),
        sql`(${firstActiveJob}) is null`,
      ),
    );
}
