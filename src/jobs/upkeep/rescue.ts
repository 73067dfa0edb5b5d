import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { soniqWorkers } from "../../../schema/workers.js";
import { anyId, builder } from "../../core/builder.js";
import { bisectFailures } from "../../core/in-halves.js";
import type { Queryable } from "../../core/queryable.js";
import { revokedLease } from "../../sessions/timeline.js";
import { endClaim, errorsWith } from "../claim/end-claim.js";

/** A job that was taken from its worker. */
export interface Rescued {
  readonly id: number;
  readonly name: string;
  readonly queue: string;
  readonly state: "queued" | "cancelled" | "dead";
  /** Why it was cancelled or died. */
  readonly reason: string | null;
}

const rescued = {
  id: soniqJobs.id,
  name: soniqJobs.name,
  queue: soniqJobs.queue,
  state: sql<Rescued["state"]>`${soniqJobs.state}`,
  reason: soniqJobs.reason,
};

/** An active job, named by its claim: what was read of a job may be another's by the time it is rescued. */
interface HeldJob {
  readonly id: number;
  readonly claimToken: number;
  readonly workerId: string | null;
}

/** Which jobs to rescue, and what to do where PostgreSQL refuses to change one of them. */
export interface RescueOptions {
  /** How many jobs to look for; call again while some are rescued or refused. */
  readonly limit: number;
  /** Jobs to leave alone. */
  readonly except?: readonly number[];
  /** Called for each job that is refused, while the others are rescued. Default: it throws. */
  readonly refused?: (id: number, error: unknown) => void;
}

const held = { id: soniqJobs.id, claimToken: soniqJobs.claimToken, workerId: soniqJobs.workerId };
/** Later the statement may be refused for no row's sake: the rest is left to the next rescue. */
const maxRefusals = 64;

/**
 * active → queued, for jobs of worker sessions that have ended: the attempt is given back and a crash is counted, since
 * nobody can tell whether the job brought its worker down. From the second crash on it comes back later and later, at
 * random, so that the one that kills its worker is soon alone; at `maxCrashes` it is dead. A failover of PostgreSQL is no crash of
 * the worker's.
 *
 * @param sessions of these alone
 */
export async function rescueFromEnded(
  db: Queryable,
  maxCrashes: number,
  options: RescueOptions,
  sessions?: readonly string[],
): Promise<Rescued[]> {
  const { limit } = options;
  // Session by session through the owner index: other sessions' entries in it are not walked.
  const ofSession = new QueryBuilder()
    .select(held)
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.state} = 'active'`, eq(soniqJobs.workerId, soniqWorkers.id), isNoneOf(options)))
    .limit(limit)
    .for("no key update", { skipLocked: true })
    .as("held");
  const found = await builder(db)
    .select({ id: ofSession.id, claimToken: ofSession.claimToken, workerId: ofSession.workerId })
    .from(soniqWorkers)
    .crossJoinLateral(ofSession)
    .where(
      and(
        isNotNull(soniqWorkers.endedAt),
        sessions && sql`${soniqWorkers.id} = any (${`{${sessions.join()}}`}::text::uuid[])`,
      ),
    )
    .limit(limit);
  return rescueEach(found, (some) => giveBack(db, some, maxCrashes), options);
}

/**
 * The same for active jobs whose session has no row, or has ended. Walks all active jobs: for a look now and then.
 */
export async function rescueStrays(db: Queryable, maxCrashes: number, options: RescueOptions): Promise<Rescued[]> {
  const isLive = sql`exists (select 1 from ${soniqWorkers} where ${soniqWorkers.id} = ${soniqJobs.workerId} and ${soniqWorkers.endedAt} is null)`;
  const found = await findActive(db, sql`not ${isLive}`, options);
  return rescueEach(found, (some) => giveBack(db, some, maxCrashes), options);
}

/**
 * active → queued or dead, for jobs whose deadline has passed although their worker lives: it cannot end them itself.
 * Costs the attempt. Walks all active jobs: for a look now and then.
 */
export async function rescueOverdue(db: Queryable, options: RescueOptions): Promise<Rescued[]> {
  const found = await findActive(db, sql`${soniqJobs.deadlineAt} < now()`, options);
  return rescueEach(found, (some) => endOverdue(db, some), options);
}

function findActive(db: Queryable, which: SQL, options: RescueOptions): Promise<HeldJob[]> {
  return builder(db)
    .select(held)
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.state} = 'active'`, which, isNoneOf(options)))
    .limit(options.limit);
}

function isNoneOf({ except = [] }: RescueOptions): SQL | undefined {
  return except.length === 0 ? undefined : sql`not ${soniqJobs.id} = ${anyId(except)}`;
}

function rescueEach(
  found: readonly HeldJob[],
  rescue: (some: readonly HeldJob[]) => Promise<Rescued[]>,
  { refused }: RescueOptions,
): Promise<Rescued[]> {
  const tellOrThrow = ({ id }: HeldJob, error: unknown) => {
    if (!refused) throw error;
    refused(id, error);
  };
  return bisectFailures(found, rescue, tellOrThrow, maxRefusals);
}

/** The ids of those whose claim still stands, and that nobody has locked. */
function standing(jobs: readonly HeldJob[]): SQL {
  return sql`select ${soniqJobs.id} from jsonb_to_recordset(${JSON.stringify(jobs)}::text::jsonb) as claim (id bigint, "claimToken" int, "workerId" uuid)
    join ${soniqJobs} on ${soniqJobs.id} = claim.id and ${soniqJobs.claimToken} = claim."claimToken" and ${soniqJobs.workerId} is not distinct from claim."workerId"
    for no key update of ${soniqJobs} skip locked`;
}

function giveBack(db: Queryable, jobs: readonly HeldJob[], maxCrashes: number): Promise<Rescued[]> {
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
      .where(sql`${soniqJobs.id} = any (array(${standing(jobs)}))`)
      .returning(rescued)
  );
}

function endOverdue(db: Queryable, jobs: readonly HeldJob[]): Promise<Rescued[]> {
  const state = sql`case when ${soniqJobs.cancelRequestedAt} is not null then 'cancelled' when ${soniqJobs.attempt} >= ${soniqJobs.maxAttempts} then 'dead' else 'queued' end`;
  const error = sql`pg_catalog.jsonb_build_object('name', 'TimeoutError', 'message', 'the deadline passed and its worker did not end it', 'attempt', ${soniqJobs.attempt}, 'worker', ${soniqJobs.workerId})`;
  return builder(db)
    .update(soniqJobs)
    .set({
      ...endClaim(state, sql`now()`),
      reason: sql`case ${state} when 'cancelled' then coalesce(${soniqJobs.reason}, 'cancelled') when 'dead' then 'out of attempts: the deadline passed and its worker did not end it' end`,
      errors: errorsWith(error),
    })
    .where(sql`${soniqJobs.id} = any (array(${standing(jobs)}))`)
    .returning(rescued);
}
