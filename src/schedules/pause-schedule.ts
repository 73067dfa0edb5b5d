import { parseText } from "../core/json.js";
import { eq, sql } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { throwScheduleNotFound } from "./schedule-not-found.js";

/**
 * Pauses a schedule in all processes: no tick fires until {@link resumeSchedule}. Jobs that are already enqueued still
 * run.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws NotFoundError if there is no schedule of that name
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function pauseSchedule(db: Queryable, name: string): Promise<void> {
  parseText(name, "schedule", 200);
  const updated = await builder(db)
    .update(soniqSchedules)
    .set({ pausedAt: sql`coalesce(${soniqSchedules.pausedAt}, now())`, updatedAt: sql`now()` })
    .where(eq(soniqSchedules.name, name))
    .returning({ name: soniqSchedules.name })
    .catch(explainMissingTables);
  if (updated.length === 0) await throwScheduleNotFound(db, name);
}
