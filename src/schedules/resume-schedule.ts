import { parseText } from "../core/json.js";
import { and, eq, isNotNull, sql } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { throwScheduleNotFound } from "./schedule-not-found.js";
import { generateTicksAfter } from "./timing.js";
import { findSchedule, type UpcomingSchedule } from "./find-upcoming.js";

/**
 * Resumes a paused schedule with its next tick. Ticks that came due during the pause never fire, regardless of
 * `missed`: the pause was meant to prevent them.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws NotFoundError if there is no schedule of that name
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function resumeSchedule(db: Queryable, name: string): Promise<void> {
  parseText(name, "schedule", 200);
  for (;;) {
    const schedule = await findSchedule(db, name).catch(explainMissingTables);
    if (!schedule) return throwScheduleNotFound(db, name);
    // Another process may have changed the schedule meanwhile: read it again.
    if (!schedule.isPaused || (await tryResume(db, schedule))) return;
  }
}

/** Counts the skipped ticks, so that a worker that read the schedule before cannot fire them. */
async function tryResume(db: Queryable, schedule: UpcomingSchedule): Promise<boolean> {
  const { name, definition, ticks, nextMs, nowMs } = schedule;
  const isOverdue = nextMs <= nowMs;
  const next = isOverdue && generateTicksAfter(schedule, nextMs, nowMs).next().value;
  const updated = await builder(db)
    .update(soniqSchedules)
    .set({
      pausedAt: null,
      updatedAt: sql`now()`,
      ...(isOverdue && { ticks: ticks + 1, nextRunAt: sql`to_timestamp(${next}::float8 / 1000)` }),
    })
    .where(
      and(
        eq(soniqSchedules.name, name),
        eq(soniqSchedules.definition, definition),
        eq(soniqSchedules.ticks, ticks),
        isNotNull(soniqSchedules.pausedAt),
      ),
    )
    .returning({ name: soniqSchedules.name });
  return updated.length > 0;
}
