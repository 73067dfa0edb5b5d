import { asc, eq, isNull, and, type SQL, sql } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import type { StoredRhythm } from "./rhythm.js";

/** A schedule and its next tick. Times are the database's, in milliseconds since 1970. */
export interface UpcomingSchedule extends StoredRhythm {
  readonly name: string;
  readonly definition: string;
  readonly missed: "once" | "skip" | "all";
  /** Ticks so far: firing is refused to whoever has read another count. */
  readonly ticks: number;
  readonly paused: boolean;
  readonly nextMs: number;
  readonly nowMs: number;
}

/** The schedules that tick next, in their order. @param limit how many */
export function findUpcoming(db: Queryable, limit: number): Promise<UpcomingSchedule[]> {
  return upcoming(db)
    .where(and(isNull(soniqSchedules.pausedAt), isNull(soniqSchedules.orphanedAt)))
    .orderBy(asc(soniqSchedules.nextRunAt))
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
      ticks: soniqSchedules.ticks,
      paused: sql<boolean>`${soniqSchedules.pausedAt} is not null`,
      nextMs: milliseconds(sql`${soniqSchedules.nextRunAt}`),
      nowMs: milliseconds(sql`now()`),
    })
    .from(soniqSchedules);
}

function milliseconds(time: SQL): SQL<number> {
  return sql`floor(extract(epoch from ${time}) * 1000)::float8`.mapWith(Number);
}
