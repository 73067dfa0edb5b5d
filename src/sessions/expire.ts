import { and, isNotNull, isNull, lt, type SQL, sql } from "drizzle-orm";
import { float8, interval } from "../core/fragments.js";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { isOnAnotherTimeline, revokedLease } from "./timeline.js";

/**
 * Ends the sessions whose lease ran out. One whose beat is under way is passed over: that holds the row's lock.
 *
 * @param timeline from `findTimeline`: an outage that ended with a failover is not taken for the death of the workers
 * @returns the ids of the sessions that died
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
 * Ends the sessions that began before this server did. For PGlite, which one process has at a time: theirs are gone.
 *
 * @returns the ids of the sessions that died
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
 * A job that a session holds. Not `exists`: of that the planner may make a hash of all active jobs, and walk what the
 * owner index keeps of every session.
 */
const firstHeld = sql`select 1 from ${soniqJobs} where state = 'active' and worker_id = ${soniqWorkers}.id limit 1`;

/** A session that has ended. */
export interface EndedSession {
  readonly id: string;
  /** Whether jobs are still its own. */
  readonly holds: boolean;
  /** Whether no job can become its own any more: a claim that began before the end may be committed after it. */
  readonly final: boolean;
}

/**
 * The sessions that have ended. Walks what the owner index keeps of each, which while a snapshot is held open is every job
 * that it ever had: those that hold nothing, and never will, need not be asked about again.
 *
 * @param known these are left out
 * @param maxClaimMs the longest that a claim may take
 */
export async function findEndedSessions(
  db: Queryable,
  known: readonly string[],
  maxClaimMs: number,
): Promise<EndedSession[]> {
  return builder(db)
    .select({
      id: soniqWorkers.id,
      holds: sql<boolean>`(${firstHeld}) is not null`,
      final: sql<boolean>`${soniqWorkers.endedAt} < now() - ${interval(float8(maxClaimMs))}`,
    })
    .from(soniqWorkers)
    .where(
      and(isNotNull(soniqWorkers.endedAt), sql`not ${soniqWorkers.id} = any (${`{${known.join()}}`}::text::uuid[])`),
    );
}

/** Forgets the sessions that ended long enough ago for every claim of theirs to be rescued. */
export async function forgetSessions(db: Queryable, olderThanMs: number): Promise<void> {
  await builder(db)
    .delete(soniqWorkers)
    .where(
      and(
        isNotNull(soniqWorkers.endedAt),
        lt(soniqWorkers.endedAt, sql`now() - ${interval(float8(olderThanMs))}`),
        sql`(${firstHeld}) is null`,
      ),
    );
}
