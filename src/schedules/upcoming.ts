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
  /** Ticks so far: firing is refused to whoever has read another count. */
  readonly ticks: number;
  readonly paused: boolean;
  readonly nextMs: number;
  /** The same as a text, with its microseconds. */
  readonly nextText: string;
  readonly nowMs: number;
}

/** Which schedules to look at. */
export interface UpcomingPage {
  readonly limit: number;
  /** Where the page before ended; by default it begins with the schedule that ticks first. */
  readonly after?: Pick<UpcomingSchedule, "nextText" | "name"> | undefined;
}

const beforeAll = { nextText: "-infinity", name: "" };

/** The schedules that tick next, in their order. */
export function findUpcoming(db: Queryable, { limit, after = beforeAll }: UpcomingPage): Promise<UpcomingSchedule[]> {
  const { nextRunAt, name, pausedAt, orphanedAt } = soniqSchedules;
  return upcoming(db)
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

/** One schedule, paused or not. */
export async function findSchedule(db: Queryable, name: string): Promise<UpcomingSchedule | undefined> {
  const [schedule] = await upcoming(db).where(eq(soniqSchedules.name, name));
  return schedule;
}

function upcoming(db: Queryable) {
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
      paused: sql<boolean>`${soniqSchedules.pausedAt} is not null`,
      // Plain SQL may have set it to -infinity, from which no tick could be counted.
      nextMs: milliseconds(sql`greatest(${soniqSchedules.nextRunAt}, to_timestamp(0))`),
      nextText: timeText(soniqSchedules.nextRunAt),
      nowMs: milliseconds(sql`now()`),
    })
    .from(soniqSchedules);
}

function milliseconds(time: SQL): SQL<number> {
  return sql`floor(extract(epoch from ${time}) * 1000)::float8`.mapWith(Number);
}
