import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { soniqWorkers } from "../../schema/workers.js";
import { splitIntoBatches } from "../core/batches.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/fetch-rows.js";
import { epochMs, isLive, timestamp } from "../core/fragments.js";
import { type StoredTiming, generateTicksAfter } from "./timing.js";
import type { StoredSchedule } from "./stored-schedule.js";

// During a rolling deploy or a rollback, two versions of the code run at once and may define a schedule differently.
// The definition in force is the newest, by first sighting, that a live session carries. So a new version takes over
// when its first worker starts, and the version before takes over again when the last worker of the new version has
// stopped.

/** Each schedule stores at most this many definitions, the newest ones. */
const maxStoredDefinitions = sql.raw("20");
const clockMs = epochMs(sql`clock_timestamp()`);
/**
 * One statement writes at most this many schedules. The first tick of each takes time to find, and heartbeats must run
 * in between.
 */
const maxSchedules = 100;

/** A schedule as the input of a statement. */
interface Definition {
  readonly schedule: StoredSchedule;
  /** The schedule's first tick, if it were defined now. */
  readonly nextMs: number;
}

/**
 * Stores the schedules of a worker that starts, whose session already carries them, and flags the orphaned ones.
 *
 * @param definedAtMs the time from which new schedules count as defined, in milliseconds since 1970: by default, now
 */
export async function syncSchedules(
  db: Queryable,
  schedules: readonly StoredSchedule[],
  { definedAtMs }: { readonly definedAtMs?: number } = {},
): Promise<void> {
  const { nowMs, existing, outdated } = await compareDefinitions(db, schedules, true);
  const missing = schedules.filter(({ name }) => !existing.has(name));
  const createdNames = new Set<string>();
  for (const batch of batchDefinitions(missing, definedAtMs ?? nowMs))
    for (const name of await createSchedules(db, batch)) createdNames.add(name);
  // Another worker may have created some of the missing schedules first.
  const changed = schedules.filter(({ name }) => outdated.has(name) || !(existing.has(name) || createdNames.has(name)));
  for (const batch of batchDefinitions(changed, nowMs)) await takeOver(db, batch, true);
  await flagOrphans(db);
}

/**
 * Runs periodically, since workers come and go. Unlike {@link syncSchedules}, it does not create schedules again that
 * were deleted.
 */
export async function reviewSchedules(db: Queryable, schedules: readonly StoredSchedule[]): Promise<void> {
  const { nowMs, outdated } = await compareDefinitions(db, schedules, false);
  const changed = schedules.filter(({ name }) => outdated.has(name));
  for (const batch of batchDefinitions(changed, nowMs)) await takeOver(db, batch, false);
  await flagOrphans(db);
  await realignSchedules(db);
}

/** The state of the given schedules in the database. */
interface Comparison {
  readonly nowMs: number;
  /** The names of the schedules that exist. */
  readonly existing: ReadonlySet<string>;
  /** The names of the schedules whose given definition should be in force, but is not. */
  readonly outdated: ReadonlySet<string>;
}

async function compareDefinitions(
  db: Queryable,
  schedules: readonly StoredSchedule[],
  includeUnseen: boolean,
): Promise<Comparison> {
  const requested = JSON.stringify(schedules.map(({ name, definition }) => ({ name, definition })));
  const [row] = await fetchRows<{ now: number | string; existing: string; outdated: string }>(
    db,
    sql`with ${liveDefinitions}, found as materialized (
        select new.name, ${isOutdated(includeUnseen)} as outdated
        from jsonb_to_recordset(${requested}::text::jsonb) as new (name text, definition text)
        join ${soniqSchedules} as schedule on schedule.name = new.name
      )
      select floor(${clockMs}) as now, coalesce(pg_catalog.jsonb_agg(name), '[]')::text as existing,
        coalesce(pg_catalog.jsonb_agg(name) filter (where outdated), '[]')::text as outdated
      from found`,
  );
  const { now, existing, outdated } = row as { now: number | string; existing: string; outdated: string };
  const names = (json: string) => new Set(JSON.parse(json) as string[]);
  return { nowMs: Number(now), existing: names(existing), outdated: names(outdated) };
}

/** The definitions that live sessions carry, as hashes by schedule name. Most sessions run the same code. */
const liveDefinitions = sql`document as materialized (
  select distinct schedules || '{}' as schedules from ${soniqWorkers} where ${isLive})`;

const isSeen = sql`jsonb_exists(schedule.definitions, new.definition)`;

/**
 * Whether the definition `new` should be in force instead of that of the row `schedule`: no live session carries a
 * definition that was first seen later.
 *
 * @param includeUnseen whether a definition that was never seen counts as the newest, as it does when a worker starts
 */
function isOutdated(includeUnseen: boolean): SQL {
  const hasNewer = sql`exists (select 1 from document
    where schedule.definitions -> (document.schedules ->> new.name) > coalesce(schedule.definitions -> new.definition, '0'))`;
  return sql`(schedule.definition <> new.definition and (${includeUnseen ? sql`not ${isSeen} or` : sql``} not ${hasNewer}))`;
}

/** Splits schedules into batches, ordered by name: all workers lock them in this order. */
function* batchDefinitions(schedules: readonly StoredSchedule[], nowMs: number): Generator<readonly Definition[]> {
  const sortedByName = schedules.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const measureBytes = ({ payload, options }: StoredSchedule) =>
    Buffer.byteLength(payload) + Buffer.byteLength(options);
  for (const batch of splitIntoBatches(sortedByName, maxSchedules, measureBytes))
    yield batch.map((schedule) => ({ schedule, nextMs: generateTicksAfter(schedule, nowMs).next().value }));
}

/** nothing → scheduled. @returns the names of the created schedules; the other names already exist */
async function createSchedules(db: Queryable, batch: readonly Definition[]): Promise<string[]> {
  const rows = await fetchRows<{ name: string }>(
    db,
    sql`insert into ${soniqSchedules}
        (name, ${columnNames}, definitions, next_run_at, paused_at)
      select name, ${columnValues}, pg_catalog.jsonb_build_object(definition, ${clockMs}), to_timestamp(next_ms / 1000), case when paused then now() end
      from ${buildRecordset(batch)} order by name
      on conflict do nothing
      returning name`,
  );
  return rows.map(({ name }) => name);
}

/**
 * Puts definitions in force. A schedule's next tick stays, so that it is not lost, unless the timing has changed. Even
 * then, an overdue tick fires first.
 */
async function takeOver(db: Queryable, batch: readonly Definition[], includeUnseen: boolean): Promise<void> {
  const hasNewTiming = sql`(schedule.cron, schedule.every_ms, schedule.time_zone) is distinct from (new.cron, new.every_ms, new.time_zone)`;
  await builder(db).execute(
    sql`with ${liveDefinitions}, new as materialized (select * from ${buildRecordset(batch)}),
      schedule as materialized (
        select schedule.* from new join ${soniqSchedules} as schedule on schedule.name = new.name
        where ${isOutdated(includeUnseen)} order by new.name for no key update of schedule
      )
      update ${soniqSchedules} set
        (${columnNames}) = row (${columnValues}),
        definitions = case when ${isSeen} then schedule.definitions
          else ${keepNewest(sql`schedule.definitions || pg_catalog.jsonb_build_object(new.definition, ${clockMs})`)} end,
        next_run_at = case when ${hasNewTiming} and schedule.next_run_at > now() then to_timestamp(new.next_ms / 1000) else schedule.next_run_at end,
        orphaned_at = null, updated_at = now()
      from schedule join new on new.name = schedule.name
      where soniq_schedules.name = schedule.name`,
  );
}

/**
 * Flags the schedules that no live session defines any more, so that they do not fire. Clears the flag of schedules
 * that are defined again.
 */
async function flagOrphans(db: Queryable): Promise<void> {
  const { name, orphanedAt } = soniqSchedules;
  const isDefined = sql`${name} in (with ${liveDefinitions} select jsonb_object_keys(document.schedules) from document)`;
  await builder(db)
    .update(soniqSchedules)
    .set({ orphanedAt: sql`case when ${orphanedAt} is null then now() end` })
    .where(sql`(${isNull(orphanedAt)}) <> (${isDefined})`);
}

/**
 * Recomputes the next tick of schedules whose last change is in the future: the database's clock was ahead for a while.
 * Otherwise they would not fire until the clock reaches that time again.
 */
async function realignSchedules(db: Queryable): Promise<void> {
  const { name, cron, everyMs, timeZone, ticks, updatedAt } = soniqSchedules;
  const futureSchedules = await builder(db)
    .select({ name, cron, everyMs, timeZone, ticks, nowMs: sql`floor(${clockMs})`.mapWith(Number) })
    .from(soniqSchedules)
    .where(sql`${updatedAt} > now() + interval '1 minute'`);
  for (const schedule of futureSchedules) {
    const nextMs = findFirstTickMs(schedule, schedule.nowMs);
    if (nextMs === undefined) continue;
    await builder(db)
      .update(soniqSchedules)
      .set({ ticks: schedule.ticks + 1, nextRunAt: timestamp(nextMs), updatedAt: sql`now()` })
      .where(and(eq(name, schedule.name), eq(ticks, schedule.ticks)));
  }
}

/** Returns undefined for another worker's timing that this worker cannot read. */
function findFirstTickMs(timing: StoredTiming, nowMs: number): number | undefined {
  try {
    return generateTicksAfter(timing, nowMs).next().value;
  } catch {
    return undefined;
  }
}

function keepNewest(all: SQL): SQL {
  return sql`(select pg_catalog.jsonb_object_agg(key, value) from (select key, value from jsonb_each(${all}) order by value desc limit ${maxStoredDefinitions}) as latest)`;
}

/** The columns that a definition sets. */
const columns = [
  "cron",
  "every_ms",
  "time_zone",
  "job_name",
  "payload",
  "options",
  "missed",
  "overlap",
  "jitter_ms",
  "definition",
];
const columnNames = sql.raw(columns.join(", "));
// A JSON null in a recordset becomes an SQL null.
const columnValues = sql.raw(
  columns.map((name) => (name === "payload" ? "coalesce(new.payload, 'null')" : `new.${name}`)).join(", "),
);

function buildRecordset(all: readonly Definition[]): SQL {
  const rows = all.map(({ schedule: { payload, options, ...rest }, nextMs }) => {
    const { name, cron, everyMs, timeZone, jobName, missed, overlap, jitterMs, definition, paused } = rest;
    const times = { cron, every_ms: everyMs, time_zone: timeZone, jitter_ms: jitterMs, next_ms: nextMs };
    const json = JSON.stringify({ name, job_name: jobName, missed, overlap, definition, paused, ...times });
    // Splices in the payload and options, which are JSON texts already.
    return `${json.slice(0, -1)},"payload":${payload},"options":${options}}`;
  });
  return sql`jsonb_to_recordset(${`[${rows.join()}]`}::text::jsonb) as new (name text, cron text, every_ms bigint, time_zone text,
    job_name text, payload jsonb, options jsonb, missed text, overlap text, jitter_ms bigint, definition text, paused boolean, next_ms float8)`;
}
