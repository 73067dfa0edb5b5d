import { sql } from "drizzle-orm";
import { float8, interval } from "../core/fragments.js";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import { type Duration, parseDuration } from "../core/duration.js";
import type { Queryable } from "../core/queryable.js";
import { earlierTimes } from "../jobs/row/job-columns.js";
import { rememberTravel } from "./fire-schedules.js";
import { requireTransaction } from "./require-transaction.js";

/**
 * Has so much time pass, by making everything that much older: what is due later becomes due, and what expires later expires.
 * No clock is changed; this concerns the jobs and schedules that the transaction sees, and nobody else.
 *
 * @param tx the test's transaction
 */
export async function travel(tx: Queryable, duration: Duration): Promise<void> {
  requireTransaction(tx, "travel");
  const ms = parseDuration(duration, "travel");
  await rememberTravel(tx, ms);
  const by = interval(float8(ms));
  await builder(tx).update(soniqJobs).set(earlierTimes(by));
  await builder(tx)
    .update(soniqSchedules)
    .set({
      nextRunAt: sql`${soniqSchedules.nextRunAt} - ${by}`,
      lastTickAt: sql`${soniqSchedules.lastTickAt} - ${by}`,
    });
}
