import { type Column, type SQL, sql } from "drizzle-orm";
import { interval } from "../../core/fragments.js";
import type { UniqueRule } from "../definition/unique-settings.js";

/** When a job is due of which both, or either, may be null: in milliseconds since 1970, and from now. */
function dueFrom(runAtMs: SQL, delayMs: SQL): SQL {
  return sql`greatest(clock_timestamp(), coalesce(to_timestamp(${runAtMs} / 1000), clock_timestamp() + ${interval(sql`coalesce(${delayMs}, 0)`)}))`;
}

/** When a new job runs, given in milliseconds since 1970, from now, or not at all. */
export function runAtOf(conflict: UniqueRule["onConflict"], runAtMs: SQL, delayMs: SQL, maxWaitMs: SQL): SQL {
  const runAt = dueFrom(runAtMs, delayMs);
  return conflict === "reschedule" ? noLater(roundedUp(runAt, delayMs), sql`now()`, maxWaitMs) : runAt;
}

/** To a second, or a 16th of a shorter delay, so that a job which is rescheduled all the time is written only so often. */
function roundedUp(runAt: SQL, delayMs: SQL): SQL {
  const seconds = sql`(least(1000, ${delayMs} / 16) / 1000)`;
  return sql`case when ${delayMs} > 0 then to_timestamp(ceil(extract(epoch from ${runAt}) / ${seconds}) * ${seconds}) else ${runAt} end`;
}

/** A time that is not put off beyond the longest wait; nor is it put behind the claims' marks. */
export function noLater(runAt: SQL, createdAt: SQL | Column, maxWaitMs: SQL): SQL {
  return sql`greatest(clock_timestamp(), least(${runAt}, ${createdAt} + ${interval(maxWaitMs)}))`;
}
