import { and, desc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder, textRows } from "../../core/builder.js";
import { InvalidValueError, checkObject } from "../../core/errors.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import { parseLimit, parseIdCursor, type PageOptions } from "../../core/page.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/fetch-rows.js";
import { nullableDateFrom, timestamp } from "../../core/fragments.js";
import type { JobSummary } from "../row/job.js";
import { selectSummaries, toSummary } from "../row/job-row.js";

/** Which jobs to list: the jobs that meet all conditions. */
export interface JobFilter {
  readonly state?: JobSummary["state"];
  readonly queue?: string;
  readonly name?: string;
  readonly tag?: string;
  /** A field of the payload, such as `{ path: "order.id", value: "17" }`; for an element of a list, `lines.0.sku`. */
  readonly payload?: {
    /** Property names, separated by dots. A name must not contain a dot. */
    readonly path: string;
    /** As JSON writes it, but a string without its quotes. */
    readonly value: string;
  };
  /** Jobs that were enqueued at this time or later. Jobs of transactions that were open for an hour or more may be missed. */
  readonly since?: Date;
  /** Jobs that were enqueued before this time. Jobs of transactions that were open for an hour or more may be missed. */
  readonly before?: Date;
}

/** A page of jobs, newest first. */
export interface JobPage {
  readonly jobs: readonly JobSummary[];
  /** The cursor of the next page; undefined after the last page. A page that is not the last may still hold few jobs, or none. */
  readonly next: string | undefined;
  /** How many jobs were scanned for this page, whether they match or not. */
  readonly scannedJobs: number;
  /** When the last scanned job was enqueued; null if no job was scanned. */
  readonly backTo: Date | null;
}

/** How many jobs a page may scan: few filters have an index, and no filter is worth a scan of the whole table. */
const maxScannedJobs = 10_000;
/**
 * Ids are assigned at the insert, but `created_at` is the start of the transaction. The two orders differ by at most the time
 * that a transaction is open.
 */
const maxTransactionMs = 3_600_000;

/**
 * Lists jobs, newest first. Scans at most 10,000 jobs, whether they match or not: continue with `next`.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param page `cursor`: the `next` of the previous page; `limit`: from 1 to 1000, default 50
 * @throws InvalidValueError before any SQL, for an invalid filter, cursor, limit or time
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listJobs(db: Queryable, filter: JobFilter = {}, page: PageOptions = {}): Promise<JobPage> {
  checkObject(filter, "filter", "give an object, {} for all");
  const cursor = parseIdCursor(page.cursor);
  const limit = parseLimit(page.limit);
  checkFilter(filter);
  const before =
    page.cursor === undefined && filter.before ? await findFirstIdSince(db, latestInsertMs(filter.before)) : cursor;
  // Active jobs are few, and may be the oldest of a backlog: a separate index finds them.
  if (filter.state === "active") return listActive(db, filter, before, limit);
  const window = await findScanWindow(db, before, 1).catch(explainMissingTables);
  const rows = await selectMatching(db, filter, and(lt(soniqJobs.id, before), gte(soniqJobs.id, window.lowest)), limit);
  const last = rows.length === limit ? rows.at(-1) : undefined;
  // The last job may have been deleted since, but the next page still starts at its id.
  const seen = last
    ? { ...(await findScanWindow(db, before, last.id)), lowest: last.id, backTo: last.createdAt }
    : window;
  const isLast = seen === window && seen.jobs < maxScannedJobs;
  const isPast =
    filter.since !== undefined &&
    seen.backTo !== null &&
    seen.backTo.getTime() < filter.since.getTime() - maxTransactionMs;
  return {
    jobs: rows,
    next: isLast || isPast ? undefined : String(seen.lowest),
    scannedJobs: seen.jobs,
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

/** Rejects unknown keys, because a misspelt key would filter nothing. */
function checkFilter(filter: JobFilter): void {
  for (const key of Object.keys(filter))
    if (!Object.hasOwn(filterKeys, key))
      throw new InvalidValueError(
        `filter.${key}`,
        `is not a filter: give some of ${Object.keys(filterKeys).join(", ")}`,
      );
  for (const key of ["since", "before"] as const)
    if (filter[key] && Number.isNaN(filter[key].getTime()))
      throw new InvalidValueError(`filter.${key}`, "is an invalid date: give a valid Date");
}

/** The latest time of an insert whose `created_at` is before the given time. */
function latestInsertMs(time: Date): number {
  return time.getTime() + maxTransactionMs;
}

async function listActive(db: Queryable, filter: JobFilter, before: number, limit: number): Promise<JobPage> {
  const jobs = await selectMatching(db, filter, and(lt(soniqJobs.id, before), isActive), limit);
  const last = jobs.at(-1);
  const next = jobs.length === limit ? last?.id.toString() : undefined;
  return { jobs, next, scannedJobs: jobs.length, backTo: last?.createdAt ?? null };
}

const isActive: SQL = sql`${soniqJobs.id} = any (array(select id from ${soniqJobs} where state = 'active'))`;

async function selectMatching(
  db: Queryable,
  filter: JobFilter,
  range: SQL | undefined,
  limit: number,
): Promise<JobSummary[]> {
  const { state, queue, name, tag, payload, since, before } = filter;
  const rows = await selectSummaries(db)
    .where(
      and(
        range,
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
  return rows.map(toSummary);
}

/** Only scalars are searchable: comparing an object's text would reveal several fields at once. */
function hasValue({ path, value }: Required<JobFilter>["payload"]): SQL {
  const at = sql`array(select ${textRows(path.split("."))})`;
  return sql`${soniqJobs.payload} #>> ${at} = ${value} and jsonb_typeof(${soniqJobs.payload} #> ${at}) not in ('object', 'array')`;
}

/** The jobs that one page scans. */
interface ScanWindow {
  readonly jobs: number;
  /** The lowest id; 0 if there are no jobs. */
  readonly lowest: number;
  /** When the job with the lowest id was enqueued. */
  readonly backTo: Date | null;
}

/**
 * Finds the jobs that a page scans.
 *
 * @param before exclusive
 * @param end the lowest id of the page, inclusive
 */
async function findScanWindow(db: Queryable, before: number, end: number): Promise<ScanWindow> {
  const qb = builder(db);
  const ids = qb
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(and(lt(soniqJobs.id, before), gte(soniqJobs.id, end)))
    .orderBy(desc(soniqJobs.id))
    .limit(maxScannedJobs)
    .as("ids");
  const window = qb
    .select({
      jobs: sql<number>`count(*)::int`.as("jobs"),
      lowest: sql<number>`coalesce(min(${ids.id}), 0)`.as("lowest"),
    })
    .from(ids)
    .as("page");
  const [found] = await qb
    .select({ jobs: window.jobs, lowest: window.lowest, backTo: nullableDateFrom(soniqJobs.createdAt) })
    .from(window)
    .leftJoin(soniqJobs, eq(soniqJobs.id, window.lowest));
  const { jobs, lowest, backTo } = found as { jobs: number; lowest: number | string; backTo: Date | null };
  return { jobs, lowest: Number(lowest), backTo };
}

/**
 * Finds the first id that was enqueued at a time or later. `created_at` has no index, but it grows with the ids, so a binary
 * search of some 30 lookups by primary key finds it.
 */
export async function findFirstIdSince(db: Queryable, timeMs: number): Promise<number> {
  const isLater = sql`select created_at >= ${timestamp(timeMs)} from ${soniqJobs} where id >= middle order by id limit 1`;
  const [found] = await fetchRows<{ id: number }>(
    db,
    sql`with recursive halves (low, high) as (
        select 0::bigint, coalesce((select id from ${soniqJobs} order by id desc limit 1), 0) + 1
        union all
        select case when later then low else middle end, case when later then middle else high end
        from halves cross join lateral (select (low + high) / 2 as middle) as half
          cross join lateral (select coalesce((${isLater}), true) as later) as probe
        where high - low > 1
      )
      select min(high)::float8 as id from halves`,
  ).catch(explainMissingTables);
  return (found as { id: number }).id;
}
