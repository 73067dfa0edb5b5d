import { and, eq, isNull, ne, notExists, or, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqSchedules } from "../../schema/schedules.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { ticksAfter } from "./rhythm.js";
import type { StoredSchedule } from "./stored-schedule.js";

// Two versions of the code may define a schedule differently, and run at once while one is deployed or taken back. The one
// in force is, of those that live sessions carry, the one that was first seen last: a new version takes over as it starts,
// and the one before it when the last worker of the new one has gone.

/** Of each schedule so many definitions are remembered. */
const remembered = sql.raw("20");
const clockMs = sql`(extract(epoch from clock_timestamp()) * 1000)::float8`;
const databaseNow = sql<number>`floor(${clockMs})`.mapWith(Number);
const timeFrom = (ms: number) => sql`to_timestamp(${ms}::float8 / 1000)`;

/** Writes down the schedules of a worker that starts, whose session carries them already; and stops those that are orphaned. */
export async function syncSchedules(db: Queryable, schedules: readonly StoredSchedule[]): Promise<void> {
  for (const schedule of schedules) {
    const nowMs = await findNow(db);
    if (!(await createSchedule(db, schedule, nowMs))) await takeOver(db, schedule, nowMs, { unseen: true });
  }
  await flagOrphans(db);
}

/** The same every so often, now that workers may have come and gone; but what was removed stays so. */
export async function reviewSchedules(db: Queryable, schedules: readonly StoredSchedule[]): Promise<void> {
  const rows = await builder(db)
    .select({ name: soniqSchedules.name, definition: soniqSchedules.definition, nowMs: databaseNow })
    .from(soniqSchedules);
  const inForce = new Map(rows.map((row) => [row.name, row]));
  for (const schedule of schedules) {
    const found = inForce.get(schedule.name);
    if (found && found.definition !== schedule.definition) await takeOver(db, schedule, found.nowMs, { unseen: false });
  }
  if (rows.length > 0) await flagOrphans(db);
}

/** nothing → scheduled. @returns false if there is one of that name */
async function createSchedule(db: Queryable, schedule: StoredSchedule, nowMs: number): Promise<boolean> {
  const { name, paused, definition } = schedule;
  const created = await builder(db)
    .insert(soniqSchedules)
    .values({
      name,
      ...columnsOf(schedule),
      definitions: sql`pg_catalog.jsonb_build_object(${definition}::text, ${clockMs})`,
      nextRunAt: timeFrom(firstTick(schedule, nowMs)),
      pausedAt: paused ? sql`now()` : null,
    })
    .onConflictDoNothing()
    .returning({ name: soniqSchedules.name });
  return created.length > 0;
}

/**
 * Puts a definition in force, if no live session carries one that was first seen later. Its next tick stays, so that none
 * is lost, unless it comes at other times from now on; then one that is overdue fires first.
 *
 * @param unseen whether one that was never seen counts as the newest: that of a worker that starts
 */
async function takeOver(
  db: Queryable,
  schedule: StoredSchedule,
  nowMs: number,
  { unseen }: { readonly unseen: boolean },
): Promise<void> {
  const { name, definition, cron, everyMs, timeZone } = schedule;
  const { definitions } = soniqSchedules;
  const seen = sql`jsonb_exists(${definitions}, ${definition}::text)`;
  const later = new QueryBuilder()
    .select({ id: soniqWorkers.id })
    .from(soniqWorkers)
    .where(and(isLive(), sql`${definitions} -> ${carriedHash} > coalesce(${definitions} -> ${definition}::text, '0')`));
  const otherRhythm = sql`(${soniqSchedules.cron}, ${soniqSchedules.everyMs}, ${soniqSchedules.timeZone}) is distinct from (${cron}::text, ${everyMs}::bigint, ${timeZone}::text)`;
  await builder(db)
    .update(soniqSchedules)
    .set({
      ...columnsOf(schedule),
      definitions: sql`case when ${seen} then ${definitions} else ${newest(sql`${definitions} || pg_catalog.jsonb_build_object(${definition}::text, ${clockMs})`)} end`,
      nextRunAt: sql`case when ${otherRhythm} and ${soniqSchedules.nextRunAt} > now() then ${timeFrom(firstTick(schedule, nowMs))} else ${soniqSchedules.nextRunAt} end`,
      orphanedAt: null,
      updatedAt: sql`now()`,
    })
    .where(
      and(
        eq(soniqSchedules.name, name),
        ne(soniqSchedules.definition, definition),
        or(unseen ? sql`not ${seen}` : undefined, notExists(later)),
      ),
    );
}

/** Flags the schedules that no live session's code defines any more: they fire no more. And lets those go on that are back. */
async function flagOrphans(db: Queryable): Promise<void> {
  const carried = sql`exists (select 1 from ${soniqWorkers} where ${isLive()} and ${carriedHash} is not null)`;
  await builder(db)
    .update(soniqSchedules)
    .set({ orphanedAt: sql`case when ${soniqSchedules.orphanedAt} is null then now() end` })
    .where(sql`(${isNull(soniqSchedules.orphanedAt)}) <> ${carried}`);
}

/** What a session's code makes of the schedule at hand: the hash of its definition, null for none. */
const carriedHash = sql`(${soniqWorkers.schedules} ->> ${soniqSchedules.name})`;

function isLive(): SQL {
  return sql`${soniqWorkers.endedAt} is null and ${soniqWorkers.leaseExpiresAt} > now()`;
}

function newest(definitions: SQL): SQL {
  return sql`(select pg_catalog.jsonb_object_agg(key, value) from (select key, value from jsonb_each(${definitions}) order by value desc limit ${remembered}) as latest)`;
}

function columnsOf({ jobName, payload, options, missed, overlap, jitterMs, ...rest }: StoredSchedule) {
  const { cron, everyMs, timeZone, definition } = rest;
  const json = { payload: sql`${payload}::text::jsonb`, options: sql`${options}::text::jsonb` };
  return { cron, everyMs, timeZone, jobName, ...json, missed, overlap, jitterMs, definition };
}

function firstTick(schedule: StoredSchedule, nowMs: number): number {
  return ticksAfter(schedule, nowMs).next().value;
}

async function findNow(db: Queryable): Promise<number> {
  const [row] = await builder(db)
    .select({ nowMs: databaseNow })
    .from(sql`(values (1)) as one`);
  return (row as { nowMs: number }).nowMs;
}
