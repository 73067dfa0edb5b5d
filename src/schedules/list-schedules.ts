import { setImmediate } from "node:timers/promises";
import { asc, sql } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom, nullableDateFrom } from "../core/fragments.js";
import { type StoredTiming, take, ticksAfter } from "./timing.js";

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
const maxBusyMs = 10;

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
  let busySince = performance.now();
  for (const { nextRunAt, payload, ...schedule } of rows) {
    const isStill = schedule.pausedAt !== null || schedule.orphanedAt !== null;
    const next = isStill ? [] : nextTicks(schedule, nextRunAt);
    schedules.push({ ...schedule, payload: JSON.parse(payload) as unknown, nextTicks: next });
    // Rare ticks, such as those of a 29th of February, take a while to find: the event loop is not to wait for all of them.
    if (performance.now() - busySince > maxBusyMs) {
      await setImmediate();
      busySince = performance.now();
    }
  }
  return schedules;
}

function nextTicks(timing: StoredTiming, nextRunAt: Date): Date[] {
  try {
    return [nextRunAt, ...take(ticksAfter(timing, nextRunAt.getTime()), previewed - 1)];
  } catch {
    // A newer Node may have stored a time zone that this one lacks, or plain SQL a cron expression that nobody can read:
    // the other schedules are to be seen all the same.
    return [];
  }
}
