import { and, eq, lte, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqQueues } from "../../schema/queues.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import { compiled } from "../core/compiled.js";
import type { Queryable } from "../core/queryable.js";
import { rowsOf } from "../core/rows.js";
import type { Mark } from "./claim-marks.js";
import { keyStillHeld } from "./end-claim.js";

/** A job that this worker session holds. */
export interface ClaimedJob extends Mark {
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
  readonly from: readonly Mark[];
  /** Before which to end, for each of these. By default everything that is due is looked at. */
  readonly until?: readonly Mark[];
  /** Milliseconds from the claim to its deadline, by job name, as a JSON text; and for all other names. */
  readonly deadlines: string;
  readonly defaultDeadlineMs: number;
  /**
   * Whether it may be answered before it is on disk: it is where no synchronous standby is waited for. Whatever is settled has
   * brought its claim there. Default false.
   */
  readonly flushesLater?: boolean;
}

/**
 * queued → active: claims up to `limit` due jobs, best priority first, then by `run_at` and `id`.
 *
 * The inner select runs per priority, so that jobs scheduled for later at a better priority cost the due ones nothing.
 *
 * @returns the claimed jobs, in order
 */
export async function claim(db: Queryable, { from, until, flushesLater, ...input }: ClaimInput): Promise<ClaimedJob[]> {
  const ranges = from.map((mark, i) => ({
    ...mark,
    endAt: until?.[i]?.runAt ?? "infinity",
    endId: until?.[i]?.id ?? 0,
  }));
  const rows = await rowsOf<ClaimedRow>(
    db,
    statement(db, { ...input, ranges: JSON.stringify(ranges), flushesLater: flushesLater ?? false }),
  );
  return rows.map((row) => claimedJob(row, input)).toSorted(byPriorityThenTime);
}

const statement = compiled<
  Omit<ClaimInput, "from" | "until" | "flushesLater"> & { ranges: string; flushesLater: boolean }
>((db) => {
  const { placeholder } = sql;
  const workerId = placeholder("workerId");
  const queue = placeholder("queue");
  const limit = placeholder("limit");
  const qb = new QueryBuilder();
  const due = qb
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(
      and(
        // Literal, or the planner could not tell that the partial index serves.
        sql`${soniqJobs.state} = 'queued'`,
        eq(soniqJobs.queue, queue),
        sql`${soniqJobs.priority} = range.priority`,
        sql`(${soniqJobs.runAt}, ${soniqJobs.id}) >= (range."runAt", range.id)`,
        sql`(${soniqJobs.runAt}, ${soniqJobs.id}) < (range."endAt", range."endId")`,
        lte(soniqJobs.runAt, sql`now()`),
      ),
    )
    .orderBy(soniqJobs.runAt, soniqJobs.id)
    .limit(limit)
    .for("no key update", { skipLocked: true })
    .as("due");
  const live = sql`exists (select 1 from ${soniqWorkers} where ${soniqWorkers.id} = ${workerId} and ${soniqWorkers.endedAt} is null and ${soniqWorkers.leaseExpiresAt} > now())`;
  const paused = sql`exists (select 1 from ${soniqQueues} where ${soniqQueues.name} = ${queue} and ${soniqQueues.pausedAt} is not null)`;
  // Waiting for a synchronous standby is what keeps a primary that was replaced from starting jobs.
  const waitsForNobody = sql`current_setting('synchronous_standby_names') = '' and current_setting('synchronous_commit') in ('on', 'local')`;
  // For this transaction, which is the claim.
  const synchronous = sql`(select set_config('synchronous_commit', case when ${placeholder("flushesLater")}::boolean and ${waitsForNobody} then 'off' else current_setting('synchronous_commit') end, true))`;
  const ids = qb
    .select({ id: due.id })
    .from(
      sql`jsonb_to_recordset(${placeholder("ranges")}::text::jsonb) as range (priority smallint, "runAt" timestamptz, id bigint, "endAt" timestamptz, "endId" bigint)`,
    )
    .crossJoinLateral(due)
    .where(sql`${live} and not ${paused} and ${synchronous} is not null`)
    .limit(limit);
  return builder(db)
    .update(soniqJobs)
    .set({
      state: "active",
      claims: sql`${soniqJobs.claims} + 1`,
      claimToken: sql`${placeholder("claimToken")}`,
      attempt: sql`${soniqJobs.attempt} + 1`,
      workerId: sql`${workerId}::uuid`,
      lastWorkerId: sql`${workerId}::uuid`,
      claimedAt: sql`now()`,
      deadlineAt: sql`now() + coalesce((${placeholder("deadlines")}::text::jsonb ->> ${soniqJobs.name})::float8, ${placeholder("defaultDeadlineMs")}::float8) * interval '1 millisecond'`,
      uniqueHeld: keyStillHeld(sql`${soniqJobs.uniqueUntil} <> 'started'`),
    })
    .where(sql`${soniqJobs.id} = any (array(${ids}))`)
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
    });
});

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

function byPriorityThenTime(a: Mark, b: Mark): number {
  return a.priority - b.priority || (a.runAt < b.runAt ? -1 : a.runAt > b.runAt ? 1 : a.id - b.id);
}
