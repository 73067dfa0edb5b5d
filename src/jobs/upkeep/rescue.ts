import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { soniqWorkers } from "../../../schema/workers.js";
import { anyId, builder } from "../../core/builder.js";
import { bisectFailures } from "../../core/bisect-failures.js";
import type { Queryable } from "../../core/queryable.js";
import { revokedLease } from "../../sessions/timeline.js";
import { endClaim, appendError } from "../claim/end-claim.js";

/** A job that was taken from its worker. */
export interface Rescued {
  readonly id: number;
  readonly name: string;
  readonly queue: string;
  readonly state: "queued" | "cancelled" | "dead";
  /** Why the job was cancelled or became a dead letter. */
  readonly reason: string | null;
}

const rescuedColumns = {
  id: soniqJobs.id,
  name: soniqJobs.name,
  queue: soniqJobs.queue,
  state: sql<Rescued["state"]>`${soniqJobs.state}`,
  reason: soniqJobs.reason,
};

/** An active job, identified by its claim: by the time of the rescue, another worker may have claimed the job. */
interface HeldJob {
  readonly id: number;
  readonly claimToken: number;
  readonly workerId: string | null;
}

/** Which jobs to rescue, and what to do if PostgreSQL refuses to change a job. */
export interface RescueOptions {
  /** How many jobs to find. Call again while jobs are rescued or refused. */
  readonly limit: number;
  /** Jobs to skip. Default: none. */
  readonly except?: readonly number[];
  /** Called for each job that is refused; the rest are still rescued. Default: throws. */
  readonly onRefused?: (id: number, error: unknown) => void;
}

const claimColumns = { id: soniqJobs.id, claimToken: soniqJobs.claimToken, workerId: soniqJobs.workerId };
/** After this many refusals, the cause may not be the rows: the remaining jobs are left to the next rescue. */
const maxRefusals = 64;

/**
 * active → queued, for jobs of worker sessions that have ended. The attempt does not count, but a crash does, because nobody can
 * tell whether the job brought its worker down. From the second crash on, the job returns after a random delay that grows with
 * each crash, so that a job which kills its worker soon runs alone. At `maxCrashes`, the job is dead. A failover of PostgreSQL
 * does not count as a crash.
 *
 * @param sessions only jobs of these sessions; default: of all ended sessions
 */
export async function rescueFromEnded(
  db: Queryable,
  maxCrashes: number,
  options: RescueOptions,
  sessions?: readonly string[],
): Promise<Rescued[]> {
  const { limit } = options;
  // Session by session through the owner index, so that the entries of other sessions are not walked.
  const ofSession = new QueryBuilder()
    .select(claimColumns)
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.state} = 'active'`, eq(soniqJobs.workerId, soniqWorkers.id), isNotExcepted(options)))
    .limit(limit)
    .for("no key update", { skipLocked: true })
    .as("held");
  const candidates = await builder(db)
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
  return rescueEach(candidates, (batch) => requeue(db, batch, maxCrashes), options);
}

/**
 * Like {@link rescueFromEnded}, for active jobs whose session has no row or has ended. Walks all active jobs, so call it rarely.
 */
export async function rescueOrphaned(db: Queryable, maxCrashes: number, options: RescueOptions): Promise<Rescued[]> {
  const isLive = sql`exists (select 1 from ${soniqWorkers} where ${soniqWorkers.id} = ${soniqJobs.workerId} and ${soniqWorkers.endedAt} is null)`;
  const candidates = await findActive(db, sql`not ${isLive}`, options);
  return rescueEach(candidates, (batch) => requeue(db, batch, maxCrashes), options);
}

/**
 * active → queued or dead, for jobs whose deadline has passed although their worker is alive: it cannot end them itself. Costs
 * the attempt. Walks all active jobs, so call it rarely.
 */
export async function rescueOverdue(db: Queryable, options: RescueOptions): Promise<Rescued[]> {
  const candidates = await findActive(db, sql`${soniqJobs.deadlineAt} < now()`, options);
  return rescueEach(candidates, (batch) => endOverdue(db, batch), options);
}

function findActive(db: Queryable, condition: SQL, options: RescueOptions): Promise<HeldJob[]> {
  return builder(db)
    .select(claimColumns)
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.state} = 'active'`, condition, isNotExcepted(options)))
    .limit(options.limit);
}

function isNotExcepted({ except = [] }: RescueOptions): SQL | undefined {
  return except.length === 0 ? undefined : sql`not ${soniqJobs.id} = ${anyId(except)}`;
}

function rescueEach(
  candidates: readonly HeldJob[],
  rescue: (batch: readonly HeldJob[]) => Promise<Rescued[]>,
  { onRefused }: RescueOptions,
): Promise<Rescued[]> {
  const reportRefusal = ({ id }: HeldJob, error: unknown) => {
    if (!onRefused) throw error;
    onRefused(id, error);
  };
  return bisectFailures(candidates, rescue, reportRefusal, maxRefusals);
}

/** Selects and locks the jobs whose claims still stand; skips rows that others have locked. */
function selectClaimed(jobs: readonly HeldJob[]): SQL {
  return sql`select ${soniqJobs.id} from jsonb_to_recordset(${JSON.stringify(jobs)}::text::jsonb) as claim (id bigint, "claimToken" int, "workerId" uuid)
    join ${soniqJobs} on ${soniqJobs.id} = claim.id and ${soniqJobs.claimToken} = claim."claimToken" and ${soniqJobs.workerId} is not distinct from claim."workerId"
    for no key update of ${soniqJobs} skip locked`;
}

function requeue(db: Queryable, jobs: readonly HeldJob[], maxCrashes: number): Promise<Rescued[]> {
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
      // `offset 0` makes PostgreSQL read the sessions only once.
      .from(sql`(select array(${revoked}) as sessions offset 0) as failover`)
      .where(sql`${soniqJobs.id} = any (array(${selectClaimed(jobs)}))`)
      .returning(rescuedColumns)
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
      errors: appendError(error),
    })
    .where(sql`${soniqJobs.id} = any (array(${selectClaimed(jobs)}))`)
    .returning(rescuedColumns);
}
