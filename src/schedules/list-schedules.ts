import { asc, sql } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { type StoredRhythm, take, ticksAfter } from "./rhythm.js";

/** A schedule as it stands. */
export interface Schedule {
  readonly name: string;
  /** One of `cron` and `everyMs` is null. */
  readonly cron: string | null;
  readonly everyMs: number | null;
  readonly timeZone: string;
  /** The name of the job that it enqueues. */
  readonly jobName: string;
  readonly payload: unknown;
  readonly missed: "once" | "skip" | "all";
  readonly overlap: "skip" | "allow";
  readonly jitterMs: number;
  /** Since when it has been paused, or null. */
  readonly pausedAt: Date | null;
  /** Since when no worker's code has defined it, so that it does not fire; or null. */
  readonly orphanedAt: Date | null;
  readonly lastTickAt: Date | null;
  readonly lastJobId: number | null;
  /** The next five; none while it is paused or orphaned, nor where its time zone or cron expression cannot be read. */
  readonly nextTicks: readonly Date[];
}

const previewed = 5;

/**
 * All schedules, by name.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listSchedules(db: Queryable): Promise<Schedule[]> {
  const rows = await builder(db)
    .select({
      name: soniqSchedules.name,
      cron: soniqSchedules.cron,
      everyMs: soniqSchedules.everyMs,
      timeZone: soniqSchedules.timeZone,
      jobName: soniqSchedules.jobName,
      payload: sql<string>`${soniqSchedules.payload}::text`,
      missed: soniqSchedules.missed,
      overlap: soniqSchedules.overlap,
      jitterMs: soniqSchedules.jitterMs,
      pausedAt: soniqSchedules.pausedAt,
      orphanedAt: soniqSchedules.orphanedAt,
      lastTickAt: soniqSchedules.lastTickAt,
      lastJobId: soniqSchedules.lastJobId,
      nextRunAt: soniqSchedules.nextRunAt,
    })
    .from(soniqSchedules)
    .orderBy(asc(soniqSchedules.name))
    .catch(explainMissingTables);
  return rows.map(({ nextRunAt, payload, ...schedule }) => ({
    ...schedule,
    payload: JSON.parse(payload) as unknown,
    nextTicks: schedule.pausedAt || schedule.orphanedAt ? [] : nextTicks(schedule, nextRunAt),
  }));
}

function nextTicks(rhythm: StoredRhythm, nextRunAt: Date): Date[] {
  try {
    return [nextRunAt, ...take(ticksAfter(rhythm, nextRunAt.getTime()), previewed - 1)];
  } catch {
    // A newer Node may have stored a time zone that this one lacks, or plain SQL a cron expression that nobody can read:
    // the other schedules are to be seen all the same.
    return [];
  }
}
