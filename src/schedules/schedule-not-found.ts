import { asc } from "drizzle-orm";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import { NotFoundError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";

/** @throws NotFoundError that names the existing schedules, at most 20 */
export async function throwScheduleNotFound(db: Queryable, name: string): Promise<never> {
  const schedules = await builder(db)
    .select({ name: soniqSchedules.name })
    .from(soniqSchedules)
    .orderBy(asc(soniqSchedules.name))
    .limit(20);
  const names = schedules.map((schedule) => schedule.name).join(", ");
  throw new NotFoundError(
    `there is no schedule ${JSON.stringify(name)}: ${names ? `there are ${names}` : "there are none"}`,
  );
}
