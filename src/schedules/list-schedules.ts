import { setImmediate } from "node:timers/promises";
import { asc, sql } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom, nullableDateFrom } from "../core/fragments.js";
import { type StoredTiming, takeTicks, generateTicksAfter } from "./timing.js";

/** A schedule and its state. */
export interface Schedule {
  readonly name: string;
  /** Exactly one of `cron` and `everyMs` is null. */
  readonly cron: string | null;
  readonly everyMs: number | null;
  readonly timeZone: string;
  /** The name of the job that the schedule enqueues. */
  readonly jobName: string;
  readonly payload: unknown;
  readonly missed: "once" | "skip" | "all";
  readonly overlap: "skip" | "allow";
  readonly jitterMs: number;
  /** When the schedule was paused; null if it is not paused. */
  readonly pausedAt: Date | null;
  /** When workers stopped defining the schedule, so that it does not fire; null if a worker defines it. */
  readonly orphanedAt: Date | null;
  readonly lastTickAt: Date | null;
  readonly lastJobId: number | null;
  /**
   * The next five ticks. Empty while the schedule is paused or orphaned, or if its time zone or cron expression cannot
   * be read.
   */
  readonly nextTicks: readonly Date[];
}

const previewTickCount = 5;
const maxBlockingMs = 10;

/**
 * Lists all schedules, ordered by name.
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
      pausedAt: nullableDateFrom(soniqSchedules.pausedAt),
      orphanedAt: nullableDateFrom(soniqSchedules.orphanedAt),
      lastTickAt: nullableDateFrom(soniqSchedules.lastTickAt),
      lastJobId: soniqSchedules.lastJobId,
      nextRunAt: dateFrom(soniqSchedules.nextRunAt),
    })
    .from(soniqSchedules)
    .orderBy(asc(soniqSchedules.name))
    .catch(explainMissingTables);
  const schedules: Schedule[] = [];
  let busySinceMs = performance.now();
  for (const { nextRunAt, payload, ...schedule } of rows) {
    const isStopped = schedule.pausedAt !== null || schedule.orphanedAt !== null;
    const next = isStopped ? [] : previewNextTicks(schedule, nextRunAt);
    schedules.push({ ...schedule, payload: JSON.parse(payload) as unknown, nextTicks: next });
    // Rare ticks, such as on February 29, take long to find: give the event loop a turn in between.
    if (performance.now() - busySinceMs > maxBlockingMs) {
      await setImmediate();
      busySinceMs = performance.now();
    }
  }
  return schedules;
}

function previewNextTicks(timing: StoredTiming, nextRunAt: Date): Date[] {
  try {
    return [nextRunAt, ...takeTicks(generateTicksAfter(timing, nextRunAt.getTime()), previewTickCount - 1)];
  } catch {
    // A newer Node may have stored a time zone that this one lacks, or plain SQL an invalid cron expression. The other
    // schedules must be listed anyway.
    return [];
  }
}
