import { and, type SQL, sql, type SQLWrapper } from "drizzle-orm";
import { interval, isLive } from "../../core/fragments.js";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { soniqQueues } from "../../../schema/queues.js";
import { soniqWorkers } from "../../../schema/workers.js";
import { builder } from "../../core/builder.js";
import { prepareStatement } from "../../core/prepare-statement.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/rows.js";
import type { ClaimPosition } from "./claim-positions.js";
import { dueIn, isClaimable, rangesOf, weight } from "./claimable.js";
import { keyStillHeld } from "./end-claim.js";

/** A job that this worker session holds. */
export interface ClaimedJob extends ClaimPosition {
  readonly name: string;
  readonly queue: string;
  /** The fence: with `id` and the worker's session it names this claim. */
  readonly claimToken: number;
  /** How often it has been claimed, this time included. */
  readonly claims: number;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly crashes: number;
  /** How long it had been due when it was claimed, in milliseconds by the database's clock; 24 days at the most. */
  readonly waitMs: number;
  /** JSON texts. */
  readonly payload: string;
  readonly tags: string;
  readonly meta: string;
}

export interface ClaimInput {
  /** The claiming session; a session that ended or let its lease run out claims nothing. */
  readonly workerId: string;
  /**
   * A number that this session has given to no claim before. A failover that loses commits gives `id` and `claims` out a second
   * time, but never a number that the worker itself counts.
   */
  readonly claimToken: number;
  readonly queue: string;
  readonly limit: number;
  /** Where to start, one per priority. */
  readonly from: readonly ClaimPosition[];
  /** Before which to end, for each of these. By default everything that is due is looked at. */
  readonly until?: readonly ClaimPosition[];
  /** Jobs to step over. Default: none. */
  readonly except?: readonly number[];
  /** About how many bytes of payload to claim: the job that exceeds them is the last one. Default: {@link maxClaimBytes}. */
  readonly maxBytes?: number;
  /** Milliseconds from the claim to its deadline, by job name, as a JSON text; and for all other names. */
  readonly deadlines: string;
  readonly defaultDeadlineMs: number;
  /**
   * Whether it may be answered before it is on disk: it is where no synchronous standby is waited for. Whatever is settled has
   * brought its claim there. Default false.
   */
  readonly flushesLater?: boolean;
}

/** A claim, and whether it ended early because it had enough bytes: then more jobs are due. */
export interface Claim {
  readonly jobs: ClaimedJob[];
  readonly isCut: boolean;
}

/** What PostgreSQL sends and a worker takes into memory at once. */
export const maxClaimBytes = 8 * 1024 * 1024;
/**
 * queued → active: claims up to `limit` due jobs, best priority first, then by `run_at` and `id`.
 *
 * @returns the claimed jobs, in order
 */
export async function claim(db: Queryable, input: ClaimInput): Promise<ClaimedJob[]> {
  return (await claimBatch(db, input)).jobs;
}

/** Like {@link claim}, and says whether the bytes of the payloads ended it. */
export async function claimBatch(db: Queryable, { from, until, ...input }: ClaimInput): Promise<Claim> {
  return claimed(db, claimingDue(db, { ...values(input), ranges: rangesOf(from, until) }), input);
}

/** Like {@link claimBatch}, but claims those of some jobs that are due. */
export async function claimThese(
  db: Queryable,
  { ids, ...input }: Omit<ClaimInput, "from" | "until" | "limit" | "except"> & { readonly ids: readonly number[] },
): Promise<Claim> {
  return claimed(db, claimingThese(db, { ...values({ ...input, limit: ids.length }), ids: `{${ids.join()}}` }), input);
}

type Values = Omit<ClaimInput, "from" | "until" | "flushesLater" | "except"> & {
  readonly except: string;
  readonly flushesLater: boolean;
};

function values({
  flushesLater = false,
  except = [],
  maxBytes = maxClaimBytes,
  ...input
}: Omit<ClaimInput, "from" | "until">): Values {
  return { ...input, maxBytes, except: `{${except.join()}}`, flushesLater };
}

async function claimed(db: Queryable, statement: SQL, input: Pick<ClaimInput, "queue" | "claimToken">): Promise<Claim> {
  const rows = await fetchRows<ClaimedRow>(db, statement);
  const jobs = rows.map((row) => claimedJob(row, input)).toSorted(byPriorityThenTime);
  return { jobs, isCut: rows[0]?.cut === true };
}

const { placeholder } = sql;
const qb = new QueryBuilder();

/** Whether this session may claim from this queue; and where it says so, the claim does not wait for the disk. */
function mayClaim(): SQL {
  const workerId = placeholder("workerId");
  const live = sql`exists (select 1 from ${soniqWorkers} where ${soniqWorkers.id} = ${workerId} and ${isLive})`;
  const paused = sql`exists (select 1 from ${soniqQueues} where ${soniqQueues.name} = ${placeholder("queue")} and ${soniqQueues.pausedAt} is not null)`;
  // Waiting for a synchronous standby is what keeps a primary that was replaced from starting jobs.
  const waitsForNobody = sql`current_setting('synchronous_standby_names') = '' and current_setting('synchronous_commit') in ('on', 'local')`;
  // For this transaction, which is the claim.
  const synchronous = sql`(select set_config('synchronous_commit', case when ${placeholder("flushesLater")}::boolean and ${waitsForNobody} then 'off' else current_setting('synchronous_commit') end, true))`;
  return sql`${live} and not ${paused} and ${synchronous} is not null`;
}

const claimingDue = prepareStatement<Values & { ranges: string }>((db) => taking(db, dueIn(true, mayClaim())));

const claimingThese = prepareStatement<Values & { ids: string }>((db) =>
  taking(
    db,
    qb
      .select({ id: soniqJobs.id, weight })
      .from(soniqJobs)
      .where(and(sql`${soniqJobs.id} = any (${placeholder("ids")}::text::bigint[])`, isClaimable, mayClaim()))
      .for("no key update", { skipLocked: true }),
  ),
);

/** The claim of jobs that are locked, as far as their bytes allow. */
function taking(db: Queryable, locked: SQLWrapper) {
  const workerId = placeholder("workerId");
  const sized = qb.$with("sized").as(
    qb
      .select({
        id: sql<number>`locked.id`.as("id"),
        // Of the jobs before it, so that the first one is always claimed.
        fits: sql<boolean>`sum(locked.weight) over (rows unbounded preceding) - locked.weight < ${placeholder("maxBytes")}::float8`.as(
          "fits",
        ),
      })
      .from(sql`(${locked}) as locked`),
  );
  return builder(db)
    .with(sized)
    .update(soniqJobs)
    .set({
      state: "active",
      claims: sql`${soniqJobs.claims} + 1`,
      claimToken: sql`${placeholder("claimToken")}`,
      attempt: sql`${soniqJobs.attempt} + 1`,
      workerId: sql`${workerId}::uuid`,
      lastWorkerId: sql`${workerId}::uuid`,
      claimedAt: sql`now()`,
      deadlineAt: sql`now() + ${interval(sql`coalesce((${placeholder("deadlines")}::text::jsonb ->> ${soniqJobs.name})::float8, ${placeholder("defaultDeadlineMs")}::float8)`)}`,
      uniqueHeld: keyStillHeld(sql`${soniqJobs.uniqueUntil} <> 'started'`),
    })
    .where(sql`${soniqJobs.id} = any (array(select ${sized.id} from ${sized} where ${sized.fits}))`)
    .returning({
      id: soniqJobs.id,
      name: soniqJobs.name,
      priority: soniqJobs.priority,
      runAt:
        sql`coalesce(to_char(${soniqJobs.runAt} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00'), '-infinity')`.as(
          "due",
        ),
      claims: soniqJobs.claims,
      attempt: soniqJobs.attempt,
      maxAttempts: soniqJobs.maxAttempts,
      crashes: soniqJobs.crashes,
      // The worker's clock may be wrong. As float8, since before PostgreSQL 17 an interval knows no infinity.
      waitMs:
        sql`least((date_part('epoch', now()) - date_part('epoch', ${soniqJobs.runAt})) * 1000, 2147483647)::int`.as(
          "wait_ms",
        ),
      payload: sql`${soniqJobs.payload}::text`.as("payload"),
      // Most jobs have none: said shortly.
      tags: sql`nullif(${soniqJobs.tags}, '[]')::text`.as("tags"),
      meta: sql`nullif(${soniqJobs.meta}, '{}')::text`.as("meta"),
      // Null, which takes no room, unless there is something to say.
      cut: sql`(select true from ${sized} where not ${sized.fits} limit 1)`.as("cut"),
    });
}

/** As the statement returns it; numbers come as texts from some drivers. */
interface ClaimedRow {
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
  readonly cut: boolean | null;
}

function claimedJob(row: ClaimedRow, { queue, claimToken }: Pick<ClaimInput, "queue" | "claimToken">): ClaimedJob {
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
