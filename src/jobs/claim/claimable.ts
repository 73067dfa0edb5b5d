import { and, eq, lte, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { prepareStatement } from "../../core/prepare-statement.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/rows.js";
import type { ClaimPosition } from "./claim-positions.js";

const { placeholder } = sql;
const qb = new QueryBuilder();

/**
 * A stored size counts so many times where the payload is compressed: its real size is known only once it is unpacked, which
 * costs as much as claiming the job. JSON is rarely packed 10 to 1; 90 to 1 is the limit of pglz, and 255 to 1 that of lz4.
 */
const unpackingFactor = sql.raw("32");

/** How much of a claim's bytes a job counts for. Reads neither what is stored elsewhere nor what is compressed. */
export const weight =
  sql<number>`pg_column_size(${soniqJobs.payload})::float8 * case when pg_column_compression(${soniqJobs.payload}) is null then 1 else ${unpackingFactor} end`.as(
    "weight",
  );

/**
 * Whether a queued job has waited too long for its first attempt. One that was given back, a snoozed one among them, has not used
 * its attempt, and expires, too.
 */
export const isExpired = sql`coalesce(${soniqJobs.expiresAt} <= now() and ${soniqJobs.attempt} = 0, false)`;

/** What a claim takes from its queue. */
export const isClaimable = and(
  // Literal, or the planner could not tell that the partial index serves.
  sql`${soniqJobs.state} = 'queued'`,
  eq(soniqJobs.queue, placeholder("queue")),
  lte(soniqJobs.runAt, sql`now()`),
  sql`not ${isExpired}`,
);

/**
 * The due jobs of the ranges, in order. The inner select runs per priority, so that jobs scheduled for later at a better
 * priority cost the due ones nothing.
 */
export function dueIn(locking: boolean, allowed: SQL) {
  const jobs = qb
    .select({ id: soniqJobs.id, weight })
    .from(soniqJobs)
    .where(
      and(
        isClaimable,
        sql`${soniqJobs.priority} = range.priority`,
        sql`(${soniqJobs.runAt}, ${soniqJobs.id}) >= (range."runAt", range.id)`,
        sql`(${soniqJobs.runAt}, ${soniqJobs.id}) < (range."endAt", range."endId")`,
        // As a subselect, or the text would be parsed again for each job.
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

/** The ids of the jobs that a claim would take now, of any number of bytes; nothing is locked. */
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
  const ranges = rangesOf(from, until);
  const rows = await fetchRows<{ id: string | number }>(
    db,
    finding(db, { queue, limit, ranges, except: `{${except.join()}}` }),
  );
  return rows.map(({ id }) => Number(id));
}

export function rangesOf(from: readonly ClaimPosition[], until?: readonly ClaimPosition[]): string {
  const ranges = from.map((position, i) => ({
    ...position,
    endAt: until?.[i]?.runAt ?? "infinity",
    endId: until?.[i]?.id ?? 0,
  }));
  return JSON.stringify(ranges);
}

const finding = prepareStatement<{ queue: string; limit: number; ranges: string; except: string }>(() =>
  qb.select({ id: sql`due.id` }).from(dueIn(false, sql`true`).as("due")),
);
