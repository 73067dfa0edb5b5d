import { parseText } from "../core/json.js";
import { eq } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { throwScheduleNotFound } from "./schedule-not-found.js";

/**
 * Deletes a schedule; its jobs stay. If the code still defines the schedule, the next worker that starts creates it
 * again: remove the definition first, or pause the schedule instead.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws NotFoundError if there is no schedule of that name
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function deleteSchedule(db: Queryable, name: string): Promise<void> {
  parseText(name, "schedule", 200);
  const deleted = await builder(db)
    .delete(soniqSchedules)
    .where(eq(soniqSchedules.name, name))
    .returning({ name: soniqSchedules.name })
    .catch(explainMissingTables);
  if (deleted.length === 0) await throwScheduleNotFound(db, name);
}
