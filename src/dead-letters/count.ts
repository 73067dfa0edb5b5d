import { count } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { buildCondition } from "./condition.js";
import { maxCounted } from "./summarize.js";

/** Counts the dead letters; 10000 stands for as many or more. Scans only their index and reads no job. */
export async function countDeadLetters(db: Queryable): Promise<number> {
  const qb = builder(db);
  const newest = qb
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(buildCondition({}))
    .limit(maxCounted)
    .as("newest");
  const [row] = await qb.select({ count: count() }).from(newest).catch(explainMissingTables);
  return row?.count ?? 0;
}
