import { sql } from "drizzle-orm";
import { float8, interval } from "../core/fragments.js";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqSchedules } from "../../schema/schedules.js";
import { builder } from "../core/builder.js";
import { type Duration, parseDurationMs } from "../core/duration.js";
import type { Queryable } from "../core/queryable.js";
import { shiftTimesBack } from "../jobs/row/job-columns.js";
import { rememberTravel } from "./fire-schedules.js";
import { requireTransaction } from "./require-transaction.js";

/**
 * Travels forward in time by making all jobs and schedules older: jobs become due, and deadlines expire. No clock changes, and only
 * the test's transaction sees the difference.
 *
 * @param tx the test's transaction
 * @param duration how far to travel
 * @throws SoniqError if `tx` is not a transaction
 */
export async function travel(tx: Queryable, duration: Duration): Promise<void> {
  requireTransaction(tx, "travel");
  const ms = parseDurationMs(duration, "travel");
  await rememberTravel(tx, ms);
  const by = interval(float8(ms));
  await builder(tx).update(soniqJobs).set(shiftTimesBack(by));
  await builder(tx)
    .update(soniqSchedules)
    .set({
      nextRunAt: sql`${soniqSchedules.nextRunAt} - ${by}`,
      lastTickAt: sql`${soniqSchedules.lastTickAt} - ${by}`,
    });
}
