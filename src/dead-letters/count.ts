import { count } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { matching } from "./matching.js";
import { maxCounted } from "./summarize.js";

/** How many dead letters there are; 10000 stands for as many or more. Their index says it, and no job is read. */
export async function countDeadLetters(db: Queryable): Promise<number> {
  const qb = builder(db);
  const some = qb.select({ id: soniqJobs.id }).from(soniqJobs).where(matching({})).limit(maxCounted).as("some");
  const [counted] = await qb.select({ count: count() }).from(some).catch(explainMissingTables);
  return counted?.count ?? 0;
}
