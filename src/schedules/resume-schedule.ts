import { parseText } from "../core/json.js";
import { and, eq, isNotNull, sql } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { noSuchSchedule } from "./no-such-schedule.js";
import { ticksAfter } from "./timing.js";
import { findSchedule, type UpcomingSchedule } from "./upcoming.js";

/**
 * Lets a paused schedule go on with its next tick. Those that came due in the pause are not made up for, whatever `missed`
 * says: they were meant not to fire.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws NotFoundError if there is no schedule of that name
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function resumeSchedule(db: Queryable, name: string): Promise<void> {
  parseText(name, "schedule", 200);
  for (;;) {
    const schedule = await findSchedule(db, name).catch(explainMissingTables);
    if (!schedule) return noSuchSchedule(db, name);
    // Somebody else may have changed it meanwhile.
    if (!schedule.paused || (await resume(db, schedule))) return;
  }
}

/** Ticks that are passed over are counted, so that whoever has read of one in time does not fire it. */
async function resume(db: Queryable, schedule: UpcomingSchedule): Promise<boolean> {
  const { name, definition, ticks, nextMs, nowMs } = schedule;
  const isOverdue = nextMs <= nowMs;
  const next = isOverdue && ticksAfter(schedule, nextMs, nowMs).next().value;
  const resumed = await builder(db)
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
  return resumed.length > 0;
}
