import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { revokedLease } from "../sessions/timeline.js";
import { endClaim, errorsWith } from "./end-claim.js";

/** A job that was taken from its worker. */
export interface Rescued {
  readonly id: number;
  readonly name: string;
  readonly queue: string;
  readonly state: "queued" | "cancelled" | "dead";
}

const rescued = {
  id: soniqJobs.id,
  name: soniqJobs.name,
  queue: soniqJobs.queue,
  state: sql<Rescued["state"]>`${soniqJobs.state}`,
};

/**
 * active → queued, for jobs of worker sessions that have ended: the attempt is given back and a crash is counted, since
 * nobody can tell whether the job brought its worker down. From the second crash on it comes back later and later, at
 * random, so that the one that kills its worker is soon alone; at `maxCrashes` it is dead. A failover of PostgreSQL is no crash of
 * the worker's.
 *
 * @param limit jobs per statement; call again while as many come back
 * @param sessions of these alone
 */
export function rescueFromEnded(
  db: Queryable,
  maxCrashes: number,
  limit: number,
  sessions?: readonly string[],
): Promise<Rescued[]> {
  const qb = new QueryBuilder();
  // Session by session through the owner index: other sessions' entries in it are not walked.
  const held = qb
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.state} = 'active'`, eq(soniqJobs.workerId, soniqWorkers.id)))
    .limit(limit)
    .for("no key update", { skipLocked: true })
    .as("held");
  const ids = qb
    .select({ id: held.id })
    .from(soniqWorkers)
    .crossJoinLateral(held)
    .where(
      and(
        isNotNull(soniqWorkers.endedAt),
        sessions && sql`${soniqWorkers.id} = any (${`{${sessions.join()}}`}::text::uuid[])`,
      ),
    )
    .limit(limit);
  return giveBack(db, ids.getSQL(), maxCrashes);
}

/**
 * The same for active jobs whose session has no row, or has ended. Walks all active jobs: for a look now and then.
 */
export function rescueStrays(db: Queryable, maxCrashes: number, limit: number): Promise<Rescued[]> {
  const ids = sql`select ${soniqJobs.id} from ${soniqJobs} where ${soniqJobs.state} = 'active'
    and not exists (select 1 from ${soniqWorkers} where ${soniqWorkers.id} = ${soniqJobs.workerId} and ${soniqWorkers.endedAt} is null)
    limit ${limit} for no key update of ${soniqJobs} skip locked`;
  return giveBack(db, ids, maxCrashes);
}

function giveBack(db: Queryable, ids: SQL, maxCrashes: number): Promise<Rescued[]> {
  const revoked = sql`select ${soniqWorkers.id} from ${soniqWorkers} where ${soniqWorkers.leaseExpiresAt} = ${revokedLease}`;
  const crash = sql`case when ${soniqJobs.workerId} = any (failover.sessions) then 0 else 1 end`;
  const state = sql`case when ${soniqJobs.cancelRequestedAt} is not null then 'cancelled' when ${crash} = 1 and ${soniqJobs.crashes} + 1 >= ${maxCrashes}::int then 'dead' else 'queued' end`;
  const later = sql`now() + random() * least(60, 2 ^ least(${soniqJobs.crashes}, 10) - 1) * interval '1 second'`;
  return (
    builder(db)
      .update(soniqJobs)
      .set({
        ...endClaim(state, later),
        attempt: sql`${soniqJobs.attempt} - 1`,
        crashes: sql`${soniqJobs.crashes} + ${crash}`,
        reason: sql`case ${state} when 'cancelled' then coalesce(${soniqJobs.reason}, 'cancelled') when 'dead' then 'crashed ' || (${soniqJobs.crashes} + 1) || ' workers' end`,
      })
      // The offset has it read once.
      .from(sql`(select array(${revoked}) as sessions offset 0) as failover`)
      .where(sql`${soniqJobs.id} = any (array(${ids}))`)
      .returning(rescued)
  );
}

/**
 * active → queued or dead, for jobs whose deadline has passed although their worker lives: it cannot end them itself.
 * Costs the attempt. Walks all active jobs: for a look now and then.
 */
export function rescueOverdue(db: Queryable, limit: number): Promise<Rescued[]> {
  const ids = new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.state} = 'active'`, sql`${soniqJobs.deadlineAt} < now()`))
    .limit(limit)
    .for("no key update", { skipLocked: true });
  const state = sql`case when ${soniqJobs.cancelRequestedAt} is not null then 'cancelled' when ${soniqJobs.attempt} >= ${soniqJobs.maxAttempts} then 'dead' else 'queued' end`;
  const error = sql`jsonb_build_object('name', 'TimeoutError', 'message', 'the deadline passed and its worker did not end it', 'attempt', ${soniqJobs.attempt}, 'worker', ${soniqJobs.workerId})`;
  return builder(db)
    .update(soniqJobs)
    .set({
      ...endClaim(state, sql`now()`),
      reason: sql`case ${state} when 'cancelled' then coalesce(${soniqJobs.reason}, 'cancelled') when 'dead' then 'out of attempts: the deadline passed and its worker did not end it' end`,
      errors: errorsWith(error),
    })
    .where(sql`${soniqJobs.id} = any (array(${ids}))`)
    .returning(rescued);
}
