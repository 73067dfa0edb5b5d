import { and, eq, lte, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { prepareStatement } from "../../core/prepare-statement.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/fetch-rows.js";
import type { ClaimPosition } from "./claim-positions.js";

const { placeholder } = sql;
const qb = new QueryBuilder();

/**
 * Multiplies the stored size of a compressed payload. Its real size is known only after decompression, which costs as much as
 * claiming the job. JSON rarely compresses better than 10 to 1; the limit is 90 to 1 for pglz, and 255 to 1 for lz4.
 */
const unpackingFactor = sql.raw("32");

/** The estimated size of a job's payload in bytes. Reads neither TOASTed nor compressed data. */
export const weight =
  sql<number>`pg_column_size(${soniqJobs.payload})::float8 * case when pg_column_compression(${soniqJobs.payload}) is null then 1 else ${unpackingFactor} end`.as(
    "weight",
  );

/**
 * Whether a queued job has waited too long for its first attempt. A released or snoozed job has not used its attempt, so it
 * expires, too.
 */
export const isExpired = sql`coalesce(${soniqJobs.expiresAt} <= now() and ${soniqJobs.attempt} = 0, false)`;

/** Whether a claim may take a job of its queue. */
export const isClaimable = and(
  // A literal: with a parameter, the planner could not use the partial index.
  sql`${soniqJobs.state} = 'queued'`,
  eq(soniqJobs.queue, placeholder("queue")),
  lte(soniqJobs.runAt, sql`now()`),
  sql`not ${isExpired}`,
);

/**
 * Selects the due jobs of the ranges, in order. The inner select runs once per priority, so that jobs scheduled for later at a
 * better priority do not slow down the due jobs.
 */
export function selectDue(locking: boolean, allowed: SQL) {
  const jobs = qb
    .select({ id: soniqJobs.id, weight })
    .from(soniqJobs)
    .where(
      and(
        isClaimable,
        sql`${soniqJobs.priority} = range.priority`,
        sql`(${soniqJobs.runAt}, ${soniqJobs.id}) >= (range."runAt", range.id)`,
        sql`(${soniqJobs.runAt}, ${soniqJobs.id}) < (range."endAt", range."endId")`,
        // In a subselect: otherwise PostgreSQL would parse the text again for each job.
        sql`${soniqJobs.id} <> all ((select ${placeholder("except")}::text::bigint[])::bigint[])`,
      ),
    )
    .orderBy(soniqJobs.runAt, soniqJobs.id)
    .limit(placeholder("limit"));
  const due = (locking ? jobs.for("no key update", { skipLocked: true }) : jobs).as("due");
  return qb
    .select({ id: due.id, weight: due.weight })
    .from(
      sql`jsonb_to_recordset(${placeholder("ranges")}::text::jsonb) as range (priority smallint, "runAt" timestamptz, id bigint, "endAt" timestamptz, "endId" bigint)`,
    )
    .crossJoinLateral(due)
    .where(allowed)
    .limit(placeholder("limit"));
}

/** Finds the ids of the jobs that a claim would take now, without a byte limit and without locking. */
export async function findClaimable(
  db: Queryable,
  {
    queue,
    limit,
    from,
    until,
    except = [],
  }: {
    readonly queue: string;
    readonly limit: number;
    readonly from: readonly ClaimPosition[];
    readonly until?: readonly ClaimPosition[];
    readonly except?: readonly number[];
  },
): Promise<number[]> {
  const ranges = toRangesJson(from, until);
  const rows = await fetchRows<{ id: string | number }>(
    db,
    findStatement(db, { queue, limit, ranges, except: `{${except.join()}}` }),
  );
  return rows.map(({ id }) => Number(id));
}

export function toRangesJson(from: readonly ClaimPosition[], until?: readonly ClaimPosition[]): string {
  const ranges = from.map((position, i) => ({
    ...position,
    endAt: until?.[i]?.runAt ?? "infinity",
    endId: until?.[i]?.id ?? 0,
  }));
  return JSON.stringify(ranges);
}

const findStatement = prepareStatement<{ queue: string; limit: number; ranges: string; except: string }>(() =>
  qb.select({ id: sql`due.id` }).from(selectDue(false, sql`true`).as("due")),
);
