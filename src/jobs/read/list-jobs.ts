import { and, desc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder, textRows } from "../../core/builder.js";
import { InvalidValueError, checkObject } from "../../core/errors.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import { parseLimit, parseIdCursor, type PageOptions } from "../../core/page.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/rows.js";
import { nullableDateFrom, timestamp } from "../../core/fragments.js";
import type { JobSummary } from "../row/job.js";
import { selectSummaries, summaryOf } from "../row/job-row.js";

/** Which jobs to list: those that fit all of it. */
export interface JobFilter {
  readonly state?: JobSummary["state"];
  readonly queue?: string;
  readonly name?: string;
  readonly tag?: string;
  /** A field of the payload, such as `{ path: "order.id", value: "17" }`; of a list, `lines.0.sku`. */
  readonly payload?: {
    /** Names without dots in them, separated by dots. */
    readonly path: string;
    /** As JSON has it; a text without its quotes. */
    readonly value: string;
  };
  /** Those that were enqueued at this time or later. Those of transactions that were open for an hour or more may be missed. */
  readonly since?: Date;
  /** Those that were enqueued before this time, with the same reservation. */
  readonly before?: Date;
}

/** Jobs, newest first. */
export interface JobPage {
  readonly jobs: readonly JobSummary[];
  /** Where the next page begins; undefined if no job is left. A page may hold few jobs, or none, and not be the last. */
  readonly next: string | undefined;
  /** How many jobs were looked at for this page, whether they fit or not. */
  readonly lookedAt: number;
  /** When the last of them was enqueued; null if there was none. */
  readonly backTo: Date | null;
}

/** How many jobs one page may pass over: few filters have an index, and none is worth a scan of the table. */
const maxPassedOver = 10_000;
/** Ids are given as jobs are inserted, and the time is their transaction's: the two orders differ by as long as that is open. */
const maxTransactionMs = 3_600_000;

/**
 * Lists jobs, newest first. Looks at 10,000 jobs at the most, whether they fit or not: go on with `next`.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param page `cursor`: the `next` of the page before; `limit`: from 1 to 1000, default 50
 * @throws InvalidValueError before any SQL, for a filter, cursor, limit or time that is none
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listJobs(db: Queryable, filter: JobFilter = {}, page: PageOptions = {}): Promise<JobPage> {
  checkObject(filter, "filter", "give an object, {} for all");
  const cursor = parseIdCursor(page.cursor);
  const limit = parseLimit(page.limit);
  checkFilter(filter);
  const before = page.cursor === undefined && filter.before ? await findPlace(db, lateInserts(filter.before)) : cursor;
  // These are few, and the oldest of a backlog: an index of their own finds them.
  if (filter.state === "active") return activeJobs(db, filter, before, limit);
  const stretch = await stretchBefore(db, before, 1).catch(explainMissingTables);
  const rows = await fitting(db, filter, and(lt(soniqJobs.id, before), gte(soniqJobs.id, stretch.lowest)), limit);
  const last = rows.length === limit ? rows.at(-1) : undefined;
  // The last one may be gone by now, and is where the next page begins all the same.
  const seen = last
    ? { ...(await stretchBefore(db, before, last.id)), lowest: last.id, backTo: last.createdAt }
    : stretch;
  const isLast = seen === stretch && seen.jobs < maxPassedOver;
  const isPast =
    filter.since !== undefined &&
    seen.backTo !== null &&
    seen.backTo.getTime() < filter.since.getTime() - maxTransactionMs;
  return {
    jobs: rows,
    next: isLast || isPast ? undefined : String(seen.lowest),
    lookedAt: seen.jobs,
    backTo: seen.backTo,
  };
}

const filterKeys: Record<keyof JobFilter, true> = {
  state: true,
  queue: true,
  name: true,
  tag: true,
  payload: true,
  since: true,
  before: true,
};

/** A key that is misspelt would leave nothing out. */
function checkFilter(filter: JobFilter): void {
  for (const key of Object.keys(filter))
    if (!Object.hasOwn(filterKeys, key))
      throw new InvalidValueError(
        `filter.${key}`,
        `is not a filter: give some of ${Object.keys(filterKeys).join(", ")}`,
      );
  for (const key of ["since", "before"] as const)
    if (filter[key] && Number.isNaN(filter[key].getTime()))
      throw new InvalidValueError(`filter.${key}`, "is a date that is invalid: give a time");
}

/** Until when jobs may be inserted that are dated before a time. */
function lateInserts(time: Date): number {
  return time.getTime() + maxTransactionMs;
}

async function activeJobs(db: Queryable, filter: JobFilter, before: number, limit: number): Promise<JobPage> {
  const jobs = await fitting(db, filter, and(lt(soniqJobs.id, before), isActive), limit);
  const last = jobs.at(-1);
  const next = jobs.length === limit ? last?.id.toString() : undefined;
  return { jobs, next, lookedAt: jobs.length, backTo: last?.createdAt ?? null };
}

const isActive: SQL = sql`${soniqJobs.id} = any (array(select id from ${soniqJobs} where state = 'active'))`;

async function fitting(db: Queryable, filter: JobFilter, among: SQL | undefined, limit: number): Promise<JobSummary[]> {
  const { state, queue, name, tag, payload, since, before } = filter;
  const rows = await selectSummaries(db)
    .where(
      and(
        among,
        state && state !== "active" ? eq(soniqJobs.state, state) : undefined,
        queue === undefined ? undefined : eq(soniqJobs.queue, queue),
        name === undefined ? undefined : eq(soniqJobs.name, name),
        tag === undefined ? undefined : sql`${soniqJobs.tags} @> pg_catalog.to_jsonb(${tag}::text)`,
        payload && hasValue(payload),
        since && sql`${soniqJobs.createdAt} >= ${timestamp(since.getTime())}`,
        before && sql`${soniqJobs.createdAt} < ${timestamp(before.getTime())}`,
      ),
    )
    .orderBy(desc(soniqJobs.id))
    .limit(limit)
    .catch(explainMissingTables);
  return rows.map(summaryOf);
}

/** What holds others is no value: its text would tell of all of them at once. */
function hasValue({ path, value }: Required<JobFilter>["payload"]): SQL {
  const at = sql`array(select ${textRows(path.split("."))})`;
  return sql`${soniqJobs.payload} #>> ${at} = ${value} and jsonb_typeof(${soniqJobs.payload} #> ${at}) not in ('object', 'array')`;
}

/** Jobs that one page looks at. */
interface Stretch {
  readonly jobs: number;
  /** The lowest of their ids; 0 if there are none. */
  readonly lowest: number;
  /** When that one was enqueued. */
  readonly backTo: Date | null;
}

/** What a page that begins there looks at, if it ends with a certain id. */
async function stretchBefore(db: Queryable, before: number, end: number): Promise<Stretch> {
  const qb = builder(db);
  const ids = qb
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(and(lt(soniqJobs.id, before), gte(soniqJobs.id, end)))
    .orderBy(desc(soniqJobs.id))
    .limit(maxPassedOver)
    .as("ids");
  const stretch = qb
    .select({
      jobs: sql<number>`count(*)::int`.as("jobs"),
      lowest: sql<number>`coalesce(min(${ids.id}), 0)`.as("lowest"),
    })
    .from(ids)
    .as("stretch");
  const [found] = await qb
    .select({ jobs: stretch.jobs, lowest: stretch.lowest, backTo: nullableDateFrom(soniqJobs.createdAt) })
    .from(stretch)
    .leftJoin(soniqJobs, eq(soniqJobs.id, stretch.lowest));
  const { jobs, lowest, backTo } = found as { jobs: number; lowest: number | string; backTo: Date | null };
  return { jobs, lowest: Number(lowest), backTo };
}

/**
 * The id from which on jobs were enqueued at a time or later. There is no index of that time, but ids follow it: it halves
 * them until it is there, some thirty look-ups by primary key.
 */
export async function findPlace(db: Queryable, timeMs: number): Promise<number> {
  const isLater = sql`select created_at >= ${timestamp(timeMs)} from ${soniqJobs} where id >= middle order by id limit 1`;
  const [found] = await fetchRows<{ place: number }>(
    db,
    sql`with recursive halves (low, high) as (
        select 0::bigint, coalesce((select id from ${soniqJobs} order by id desc limit 1), 0) + 1
        union all
        select case when later then low else middle end, case when later then middle else high end
        from halves cross join lateral (select (low + high) / 2 as middle) as half
          cross join lateral (select coalesce((${isLater}), true) as later) as looked
        where high - low > 1
      )
      select min(high)::float8 as place from halves`,
  ).catch(explainMissingTables);
  return (found as { place: number }).place;
}
