import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { soniqWorkers } from "../../schema/workers.js";
import { splitIntoBatches } from "../core/batches.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/rows.js";
import { epochMs, isLive, timestamp } from "../core/fragments.js";
import { type StoredTiming, ticksAfter } from "./timing.js";
import type { StoredSchedule } from "./stored-schedule.js";

// Two versions of the code may define a schedule differently, and run at once while one is deployed or taken back. The one
// in force is, of those that live sessions carry, the one that was first seen last: a new version takes over as it starts,
// and the one before it when the last worker of the new one has gone.

/** Of each schedule so many definitions are remembered. */
const remembered = sql.raw("20");
const clockMs = epochMs(sql`clock_timestamp()`);
/** Written down by one statement. Each takes a while to find its first tick, and heartbeats are to come in between. */
const maxRows = 100;

/** A schedule as a statement gets it. */
interface Definition {
  readonly schedule: StoredSchedule;
  /** The schedule's first tick, were it defined now. */
  readonly nextMs: number;
}

/**
 * Writes down the schedules of a worker that starts, whose session carries them already; and stops those that are orphaned.
 *
 * @param definedAtMs since when those that were never seen count as defined, in milliseconds since 1970: by default, now
 */
export async function syncSchedules(
  db: Queryable,
  schedules: readonly StoredSchedule[],
  { definedAtMs }: { readonly definedAtMs?: number } = {},
): Promise<void> {
  const { nowMs, there, outdated } = await compare(db, schedules, true);
  const missing = schedules.filter(({ name }) => !there.has(name));
  const created = new Set<string>();
  for (const some of definitions(missing, definedAtMs ?? nowMs))
    for (const name of await createSchedules(db, some)) created.add(name);
  // Another worker may have been the first to create some.
  const others = schedules.filter(({ name }) => outdated.has(name) || !(there.has(name) || created.has(name)));
  for (const some of definitions(others, nowMs)) await takeOver(db, some, true);
  await flagOrphans(db);
}

/** The same every so often, now that workers may have come and gone; but what was removed stays so. */
export async function reviewSchedules(db: Queryable, schedules: readonly StoredSchedule[]): Promise<void> {
  const { nowMs, outdated } = await compare(db, schedules, false);
  const others = schedules.filter(({ name }) => outdated.has(name));
  for (const some of definitions(others, nowMs)) await takeOver(db, some, false);
  await flagOrphans(db);
  await realign(db);
}

/** What the database has of some schedules. */
interface Comparison {
  readonly nowMs: number;
  /** The names of those that it has. */
  readonly there: ReadonlySet<string>;
  /** The names of those whose definition is to be in force, and is not. */
  readonly outdated: ReadonlySet<string>;
}

async function compare(db: Queryable, schedules: readonly StoredSchedule[], unseen: boolean): Promise<Comparison> {
  const own = JSON.stringify(schedules.map(({ name, definition }) => ({ name, definition })));
  const [row] = await fetchRows<{ now: number | string; there: string; outdated: string }>(
    db,
    sql`with ${documents}, found as materialized (
        select new.name, ${isOutdated(unseen)} as outdated
        from jsonb_to_recordset(${own}::text::jsonb) as new (name text, definition text)
        join ${soniqSchedules} as schedule on schedule.name = new.name
      )
      select floor(${clockMs}) as now, coalesce(pg_catalog.jsonb_agg(name), '[]')::text as there,
        coalesce(pg_catalog.jsonb_agg(name) filter (where outdated), '[]')::text as outdated
      from found`,
  );
  const { now, there, outdated } = row as { now: number | string; there: string; outdated: string };
  const names = (json: string) => new Set(JSON.parse(json) as string[]);
  return { nowMs: Number(now), there: names(there), outdated: names(outdated) };
}

/** What the code of live sessions makes of schedules: the hashes of the definitions by name. Most sessions run the same code. */
const documents = sql`document as materialized (
  select distinct schedules || '{}' as schedules from ${soniqWorkers} where ${isLive})`;

const isSeen = sql`jsonb_exists(schedule.definitions, new.definition)`;

/**
 * Whether the definition `new` is to be in force instead of that of the row `schedule`: no live session carries one that was
 * first seen later.
 *
 * @param unseen whether one that was never seen counts as the newest: that of a worker that starts
 */
function isOutdated(unseen: boolean): SQL {
  const later = sql`exists (select 1 from document
    where schedule.definitions -> (document.schedules ->> new.name) > coalesce(schedule.definitions -> new.definition, '0'))`;
  return sql`(schedule.definition <> new.definition and (${unseen ? sql`not ${isSeen} or` : sql``} not ${later}))`;
}

/** In the order of their names, in which all workers lock them. */
function* definitions(schedules: readonly StoredSchedule[], nowMs: number): Generator<readonly Definition[]> {
  const inOrder = schedules.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const bytesOf = ({ payload, options }: StoredSchedule) => Buffer.byteLength(payload) + Buffer.byteLength(options);
  for (const some of splitIntoBatches(inOrder, maxRows, bytesOf))
    yield some.map((schedule) => ({ schedule, nextMs: ticksAfter(schedule, nowMs).next().value }));
}

/** nothing → scheduled. @returns the names of those that were created: of each of the others, there is one of that name */
async function createSchedules(db: Queryable, created: readonly Definition[]): Promise<string[]> {
  const rows = await fetchRows<{ name: string }>(
    db,
    sql`insert into ${soniqSchedules}
        (name, ${columnNames}, definitions, next_run_at, paused_at)
      select name, ${columnValues}, pg_catalog.jsonb_build_object(definition, ${clockMs}), to_timestamp(next_ms / 1000), case when paused then now() end
      from ${recordset(created)} order by name
      on conflict do nothing
      returning name`,
  );
  return rows.map(({ name }) => name);
}

/**
 * Puts definitions in force. A schedule's next tick stays, so that none is lost, unless it comes at other times from now on; then
 * one that is overdue fires first.
 */
async function takeOver(db: Queryable, taken: readonly Definition[], unseen: boolean): Promise<void> {
  const otherTiming = sql`(schedule.cron, schedule.every_ms, schedule.time_zone) is distinct from (new.cron, new.every_ms, new.time_zone)`;
  await builder(db).execute(
    sql`with ${documents}, new as materialized (select * from ${recordset(taken)}),
      schedule as materialized (
        select schedule.* from new join ${soniqSchedules} as schedule on schedule.name = new.name
        where ${isOutdated(unseen)} order by new.name for no key update of schedule
      )
      update ${soniqSchedules} set
        (${columnNames}) = row (${columnValues}),
        definitions = case when ${isSeen} then schedule.definitions
          else ${newest(sql`schedule.definitions || pg_catalog.jsonb_build_object(new.definition, ${clockMs})`)} end,
        next_run_at = case when ${otherTiming} and schedule.next_run_at > now() then to_timestamp(new.next_ms / 1000) else schedule.next_run_at end,
        orphaned_at = null, updated_at = now()
      from schedule join new on new.name = schedule.name
      where soniq_schedules.name = schedule.name`,
  );
}

/** Flags the schedules that no live session's code defines any more: they fire no more. And lets those go on that are back. */
async function flagOrphans(db: Queryable): Promise<void> {
  const { name, orphanedAt } = soniqSchedules;
  const carried = sql`${name} in (with ${documents} select jsonb_object_keys(document.schedules) from document)`;
  await builder(db)
    .update(soniqSchedules)
    .set({ orphanedAt: sql`case when ${orphanedAt} is null then now() end` })
    .where(sql`(${isNull(orphanedAt)}) <> (${carried})`);
}

/**
 * Gives schedules that changed in the future their next tick by today's time: the database's clock was ahead for a while, and
 * they would be silent until it is as late as that again.
 */
async function realign(db: Queryable): Promise<void> {
  const { name, cron, everyMs, timeZone, ticks, updatedAt } = soniqSchedules;
  const ahead = await builder(db)
    .select({ name, cron, everyMs, timeZone, ticks, nowMs: sql`floor(${clockMs})`.mapWith(Number) })
    .from(soniqSchedules)
    .where(sql`${updatedAt} > now() + interval '1 minute'`);
  for (const schedule of ahead) {
    const nextMs = firstTick(schedule, schedule.nowMs);
    if (nextMs === undefined) continue;
    await builder(db)
      .update(soniqSchedules)
      .set({ ticks: schedule.ticks + 1, nextRunAt: timestamp(nextMs), updatedAt: sql`now()` })
      .where(and(eq(name, schedule.name), eq(ticks, schedule.ticks)));
  }
}

/** Undefined for a rhythm of another worker's that this one cannot make out. */
function firstTick(timing: StoredTiming, nowMs: number): number | undefined {
  try {
    return ticksAfter(timing, nowMs).next().value;
  } catch {
    return undefined;
  }
}

function newest(all: SQL): SQL {
  return sql`(select pg_catalog.jsonb_object_agg(key, value) from (select key, value from jsonb_each(${all}) order by value desc limit ${remembered}) as latest)`;
}

/** What a definition says of its schedule. */
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
// A JSON null in a recordset is an SQL null.
const columnValues = sql.raw(
  columns.map((name) => (name === "payload" ? "coalesce(new.payload, 'null')" : `new.${name}`)).join(", "),
);

function recordset(all: readonly Definition[]): SQL {
  const rows = all.map(({ schedule: { payload, options, ...rest }, nextMs }) => {
    const { name, cron, everyMs, timeZone, jobName, missed, overlap, jitterMs, definition, paused } = rest;
    const times = { cron, every_ms: everyMs, time_zone: timeZone, jitter_ms: jitterMs, next_ms: nextMs };
    const json = JSON.stringify({ name, job_name: jobName, missed, overlap, definition, paused, ...times });
    // Spliced: these are JSON texts already.
    return `${json.slice(0, -1)},"payload":${payload},"options":${options}}`;
  });
  return sql`jsonb_to_recordset(${`[${rows.join()}]`}::text::jsonb) as new (name text, cron text, every_ms bigint, time_zone text,
    job_name text, payload jsonb, options jsonb, missed text, overlap text, jitter_ms bigint, definition text, paused boolean, next_ms float8)`;
}
