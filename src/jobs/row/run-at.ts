import { type Column, type SQL, sql } from "drizzle-orm";
import { interval } from "../../core/fragments.js";
import type { UniqueRule } from "../definition/unique-settings.js";

/** The requested time: `runAtMs` (milliseconds since 1970) if it is given, otherwise now plus `delayMs`. Never in the past. */
function resolveRunAt(runAtMs: SQL, delayMs: SQL): SQL {
  return sql`greatest(clock_timestamp(), coalesce(to_timestamp(${runAtMs} / 1000), clock_timestamp() + ${interval(sql`coalesce(${delayMs}, 0)`)}))`;
}

/** The `run_at` of a new job. For `reschedule`, the time is also rounded up and capped at `maxWaitMs`. */
export function initialRunAt(conflict: UniqueRule["onConflict"], runAtMs: SQL, delayMs: SQL, maxWaitMs: SQL): SQL {
  const runAt = resolveRunAt(runAtMs, delayMs);
  return conflict === "reschedule" ? capRunAt(roundUp(runAt, delayMs), sql`now()`, maxWaitMs) : runAt;
}

/**
 * Rounds up to a second, or to 1/16 of a delay below 16 s. A job that is rescheduled constantly is then written once per step,
 * not on every enqueue.
 */
function roundUp(runAt: SQL, delayMs: SQL): SQL {
  const seconds = sql`(least(1000, ${delayMs} / 16) / 1000)`;
  return sql`case when ${delayMs} > 0 then to_timestamp(ceil(extract(epoch from ${runAt}) / ${seconds}) * ${seconds}) else ${runAt} end`;
}

/**
 * Caps a time at `createdAt` plus the maximum wait. A time in the past becomes now: claims start at their positions, so they
 * would find a job behind these only with the next full scan.
 */
export function capRunAt(runAt: SQL, createdAt: SQL | Column, maxWaitMs: SQL): SQL {
  return sql`greatest(clock_timestamp(), least(${runAt}, ${createdAt} + ${interval(maxWaitMs)}))`;
}
