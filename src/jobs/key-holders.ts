import { sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder, each } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { holdsKey, isOver } from "./unique-key.js";

/** Of these keys those that are held and not over, each with the job that holds it. */
export async function findKeyHolders(
  db: Queryable,
  keys: readonly string[],
): Promise<{ id: number; key: string | null }[]> {
  if (keys.length === 0) return [];
  return builder(db)
    .select({ id: soniqJobs.id, key: soniqJobs.uniqueKey })
    .from(soniqJobs)
    .where(sql`${soniqJobs.uniqueKey} = any (array(select ${each(keys)})) and ${holdsKey} and not ${isOver}`);
}
