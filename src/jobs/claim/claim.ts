import { and, type SQL, sql, type SQLWrapper } from "drizzle-orm";
import { interval, isLive } from "../../core/fragments.js";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { soniqQueues } from "../../../schema/queues.js";
import { soniqWorkers } from "../../../schema/workers.js";
import { builder } from "../../core/builder.js";
import { prepareStatement } from "../../core/prepare-statement.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/fetch-rows.js";
import type { ClaimPosition } from "./claim-positions.js";
import { selectDue, isClaimable, toRangesJson, weight } from "./claimable.js";
import { keepKeyWhile } from "./end-claim.js";

/** A job that this worker session holds. */
export interface ClaimedJob extends ClaimPosition {
  readonly name: string;
  readonly queue: string;
  /** The fence: with `id` and the worker's session, it identifies this claim. */
  readonly claimToken: number;
  /** How often the job has been claimed, including this claim. */
  readonly claims: number;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly crashes: number;
  /** How long the job had been due when it was claimed, in milliseconds by the database's clock; at most 24 days. */
  readonly waitMs: number;
  /** JSON texts. */
  readonly payload: string;
  readonly tags: string;
  readonly meta: string;
}

export interface ClaimInput {
  /** The claiming session. A session that has ended, or whose lease has expired, claims nothing. */
  readonly workerId: string;
  /**
   * A number that this session has not used for a claim before. After a failover that lost commits, PostgreSQL may issue the same
   * `id` and `claims` again, but the worker itself never repeats this number.
   */
  readonly claimToken: number;
  readonly queue: string;
  readonly limit: number;
  /** The start positions, one per priority. */
  readonly from: readonly ClaimPosition[];
  /** The end positions (exclusive), one for each start position. Default: all due jobs are scanned. */
  readonly until?: readonly ClaimPosition[];
  /** Jobs to skip. Default: none. */
  readonly except?: readonly number[];
  /** About how many bytes of payload to claim: the job that exceeds the limit is the last. Default: {@link maxClaimBytes}. */
  readonly maxBytes?: number;
  /** Milliseconds from the claim to its deadline, by job name, as a JSON text. `defaultDeadlineMs` applies to all other names. */
  readonly deadlines: string;
  readonly defaultDeadlineMs: number;
  /**
   * Runs the claim with `synchronous_commit = off`, unless commits wait for a synchronous standby. Safe: a settle commits
   * synchronously, and its WAL flush includes the claim. Default false.
   */
  readonly asyncCommit?: boolean;
}

/** The jobs of a claim. `isTruncated` if the byte limit ended it, so that more jobs are due. */
export interface Claim {
  readonly jobs: ClaimedJob[];
  readonly isTruncated: boolean;
}

/** Limits the bytes that PostgreSQL sends, and that a worker loads into memory, at once. */
export const maxClaimBytes = 8 * 1024 * 1024;

/**
 * queued → active: claims up to `limit` due jobs, best priority first, then by `run_at` and `id`.
 *
 * @returns the claimed jobs, in order
 */
export async function claim(db: Queryable, input: ClaimInput): Promise<ClaimedJob[]> {
  return (await claimBatch(db, input)).jobs;
}

/** Like {@link claim}, but also returns whether the byte limit ended the claim. */
export async function claimBatch(db: Queryable, input: ClaimInput): Promise<Claim> {
  const statement = input.limit === 1 ? claimOneStatement : claimDueStatement;
  return runClaim(db, statement(db, toClaimValues(input)), input);
}

/** Returns the values of a claim's placeholders. */
export function toClaimValues({ from, until, ...input }: ClaimInput): ClaimValues {
  return { ...toValues(input), ranges: toRangesJson(from, until) };
}

/** Like {@link claimBatch}, but claims the given jobs, as far as they are due. */
export async function claimByIds(
  db: Queryable,
  { ids, ...input }: Omit<ClaimInput, "from" | "until" | "limit" | "except"> & { readonly ids: readonly number[] },
): Promise<Claim> {
  return runClaim(
    db,
    claimByIdsStatement(db, { ...toValues({ ...input, limit: ids.length }), ids: `{${ids.join()}}` }),
    input,
  );
}

export type ClaimValues = Values & { readonly ranges: string };

type Values = Omit<ClaimInput, "from" | "until" | "asyncCommit" | "except"> & {
  readonly except: string;
  readonly asyncCommit: boolean;
};

function toValues({
  asyncCommit = false,
  except = [],
  maxBytes = maxClaimBytes,
  ...input
}: Omit<ClaimInput, "from" | "until">): Values {
  return { ...input, maxBytes, except: `{${except.join()}}`, asyncCommit };
}

async function runClaim(
  db: Queryable,
  statement: SQL,
  input: Pick<ClaimInput, "queue" | "claimToken">,
): Promise<Claim> {
  const rows = await fetchRows<ClaimedRow>(db, statement);
  const jobs = rows.map((row) => toClaimedJob(row, input)).toSorted(byPriorityThenTime);
  return { jobs, isTruncated: rows[0]?.cut === true };
}

const { placeholder } = sql;
const qb = new QueryBuilder();

/** Whether this session may claim from this queue. With `asyncCommit`, evaluating it also turns `synchronous_commit` off. */
function mayClaim(): SQL {
  const workerId = placeholder("workerId");
  const isSessionLive = sql`exists (select 1 from ${soniqWorkers} where ${soniqWorkers.id} = ${workerId} and ${isLive})`;
  const isPaused = sql`exists (select 1 from ${soniqQueues} where ${soniqQueues.name} = ${placeholder("queue")} and ${soniqQueues.pausedAt} is not null)`;
  // Waiting for a synchronous standby keeps a primary that was replaced from starting jobs.
  const hasNoStandby = sql`current_setting('synchronous_standby_names') = '' and current_setting('synchronous_commit') in ('on', 'local')`;
  // Local to this transaction, which consists of the claim.
  const commitMode = sql`(select set_config('synchronous_commit', case when ${placeholder("asyncCommit")}::boolean and ${hasNoStandby} then 'off' else current_setting('synchronous_commit') end, true))`;
  return sql`${isSessionLive} and not ${isPaused} and ${commitMode} is not null`;
}

const claimDueStatement = prepareStatement<ClaimValues>((db) => buildClaim(db, selectDue(true, mayClaim())));

const claimOneStatement = prepareStatement<ClaimValues>(buildClaimOfOne);

/**
 * Builds a claim of one job. It needs no byte limit, because that never excludes the first job.
 *
 * @internal public declarations must not name Drizzle's types
 */
export function buildClaimOfOne(db: Queryable) {
  return builder(db)
    .update(soniqJobs)
    .set(claimChanges())
    .where(sql`${soniqJobs.id} = (select due.id from (${selectDue(true, mayClaim())}) as due)`)
    .returning(claimedColumns);
}

const claimByIdsStatement = prepareStatement<Values & { ids: string }>((db) =>
  buildClaim(
    db,
    qb
      .select({ id: soniqJobs.id, weight })
      .from(soniqJobs)
      .where(and(sql`${soniqJobs.id} = any (${placeholder("ids")}::text::bigint[])`, isClaimable, mayClaim()))
      .for("no key update", { skipLocked: true }),
  ),
);

/** Claims locked jobs, up to the byte limit. */
function buildClaim(db: Queryable, locked: SQLWrapper) {
  const sized = qb.$with("sized").as(
    qb
      .select({
        id: sql<number>`locked.id`.as("id"),
        // The sum of the jobs before this job, so that the first job is always claimed.
        fits: sql<boolean>`sum(locked.weight) over (rows unbounded preceding) - locked.weight < ${placeholder("maxBytes")}::float8`.as(
          "fits",
        ),
      })
      .from(sql`(${locked}) as locked`),
  );
  return builder(db)
    .with(sized)
    .update(soniqJobs)
    .set(claimChanges())
    .where(sql`${soniqJobs.id} = any (array(select ${sized.id} from ${sized} where ${sized.fits}))`)
    .returning({
      ...claimedColumns,
      // Null, which takes no space, unless the claim was truncated.
      cut: sql`(select true from ${sized} where not ${sized.fits} limit 1)`.as("cut"),
    });
}

const claimedColumns = {
  id: soniqJobs.id,
  name: soniqJobs.name,
  priority: soniqJobs.priority,
  runAt: sql`coalesce(to_char(${soniqJobs.runAt} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00'), '-infinity')`.as(
    "due",
  ),
  claims: soniqJobs.claims,
  attempt: soniqJobs.attempt,
  maxAttempts: soniqJobs.maxAttempts,
  crashes: soniqJobs.crashes,
  // Computed by the database, because the worker's clock may be wrong. As float8, because intervals have no infinity before
  // PostgreSQL 17.
  waitMs: sql`least((date_part('epoch', now()) - date_part('epoch', ${soniqJobs.runAt})) * 1000, 2147483647)::int`.as(
    "wait_ms",
  ),
  payload: sql`${soniqJobs.payload}::text`.as("payload"),
  // Most jobs have no tags and no meta, and null is shorter.
  tags: sql`nullif(${soniqJobs.tags}, '[]')::text`.as("tags"),
  meta: sql`nullif(${soniqJobs.meta}, '{}')::text`.as("meta"),
};

function claimChanges() {
  const workerId = placeholder("workerId");
  return {
    state: "active" as const,
    claims: sql`${soniqJobs.claims} + 1`,
    claimToken: sql`${placeholder("claimToken")}`,
    attempt: sql`${soniqJobs.attempt} + 1`,
    workerId: sql`${workerId}::uuid`,
    lastWorkerId: sql`${workerId}::uuid`,
    claimedAt: sql`now()`,
    deadlineAt: sql`now() + ${interval(sql`coalesce((${placeholder("deadlines")}::text::jsonb ->> ${soniqJobs.name})::float8, ${placeholder("defaultDeadlineMs")}::float8)`)}`,
    uniqueHeld: keepKeyWhile(sql`${soniqJobs.uniqueUntil} <> 'started'`),
  };
}

/** A row as the statement returns it. Some drivers return a bigint as a string. */
export interface ClaimedRow {
  readonly id: string | number;
  readonly name: string;
  readonly priority: number;
  readonly due: string;
  readonly claims: number;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly crashes: number;
  readonly wait_ms: number;
  readonly payload: string;
  readonly tags: string | null;
  readonly meta: string | null;
  readonly cut?: boolean | null;
}

export function toClaimedJob(
  row: ClaimedRow,
  { queue, claimToken }: Pick<ClaimInput, "queue" | "claimToken">,
): ClaimedJob {
  return {
    id: Number(row.id),
    name: row.name,
    queue,
    priority: row.priority,
    runAt: row.due,
    claimToken,
    claims: row.claims,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    crashes: row.crashes,
    waitMs: row.wait_ms,
    payload: row.payload,
    tags: row.tags ?? "[]",
    meta: row.meta ?? "{}",
  };
}

function byPriorityThenTime(a: ClaimPosition, b: ClaimPosition): number {
  return a.priority - b.priority || (a.runAt < b.runAt ? -1 : a.runAt > b.runAt ? 1 : a.id - b.id);
}
