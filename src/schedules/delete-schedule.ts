import { parseText } from "../core/json.js";
import { eq } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { noSuchSchedule } from "./no-such-schedule.js";

/**
 * Forgets a schedule; its jobs stay. One that the code still defines begins anew with the next worker that starts: take it out
 * there, or pause it.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws NotFoundError if there is no schedule of that name
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function deleteSchedule(db: Queryable, name: string): Promise<void> {
  parseText(name, "schedule", 200);
  const removed = await builder(db)
    .delete(soniqSchedules)
    .where(eq(soniqSchedules.name, name))
    .returning({ name: soniqSchedules.name })
    .catch(explainMissingTables);
  if (removed.length === 0) await noSuchSchedule(db, name);
}
