import { asc, eq, isNull, and, type SQL, sql } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { timeText } from "../core/fragments.js";
import type { StoredTiming } from "./timing.js";

/** A schedule and its next tick. Times are the database's, in milliseconds since 1970. */
export interface UpcomingSchedule extends StoredTiming {
  readonly name: string;
  readonly definition: string;
  readonly missed: "once" | "skip" | "all";
  readonly overlap: "skip" | "allow";
  /** The number of ticks so far. A worker that has read another number cannot fire. */
  readonly ticks: number;
  readonly isPaused: boolean;
  readonly nextMs: number;
  /** `nextMs` as a text, with its microseconds. */
  readonly nextText: string;
  readonly nowMs: number;
}

/** A page of schedules. */
export interface UpcomingPage {
  readonly limit: number;
  /** The last schedule of the previous page; by default, the page begins with the earliest tick. */
  readonly after?: Pick<UpcomingSchedule, "nextText" | "name"> | undefined;
}

const firstPosition = { nextText: "-infinity", name: "" };

/** Finds the schedules that tick next, earliest first. */
export function findUpcoming(
  db: Queryable,
  { limit, after = firstPosition }: UpcomingPage,
): Promise<UpcomingSchedule[]> {
  const { nextRunAt, name, pausedAt, orphanedAt } = soniqSchedules;
  return selectSchedules(db)
    .where(
      and(
        isNull(pausedAt),
        isNull(orphanedAt),
        sql`(${nextRunAt}, ${name}) > (${after.nextText}::timestamptz, ${after.name}::text)`,
      ),
    )
    .orderBy(asc(nextRunAt), asc(name))
    .limit(limit);
}

/** Finds a schedule, paused or not. */
export async function findSchedule(db: Queryable, name: string): Promise<UpcomingSchedule | undefined> {
  const [schedule] = await selectSchedules(db).where(eq(soniqSchedules.name, name));
  return schedule;
}

function selectSchedules(db: Queryable) {
  return builder(db)
    .select({
      name: soniqSchedules.name,
      definition: soniqSchedules.definition,
      cron: soniqSchedules.cron,
      everyMs: soniqSchedules.everyMs,
      timeZone: soniqSchedules.timeZone,
      missed: soniqSchedules.missed,
      overlap: soniqSchedules.overlap,
      ticks: soniqSchedules.ticks,
      isPaused: sql<boolean>`${soniqSchedules.pausedAt} is not null`,
      // Plain SQL may have set it to -infinity, from which no tick can be computed.
      nextMs: toEpochMs(sql`greatest(${soniqSchedules.nextRunAt}, to_timestamp(0))`),
      nextText: timeText(soniqSchedules.nextRunAt),
      nowMs: toEpochMs(sql`now()`),
    })
    .from(soniqSchedules);
}

function toEpochMs(time: SQL): SQL<number> {
  return sql`floor(extract(epoch from ${time}) * 1000)::float8`.mapWith(Number);
}
