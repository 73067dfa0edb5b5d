import { and, eq, isNull, lte, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqSchedules } from "../../schema/schedules.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/fetch-rows.js";
import { ring } from "../sessions/doorbell.js";
import type { DueTicks } from "./due-ticks.js";
import { uniqueKeyOrder, isRunning, buildScheduledJobInsert } from "./scheduled-job.js";
import type { UpcomingSchedule } from "./find-upcoming.js";

/** A schedule as it was read, and its ticks that are to fire. */
export interface Firing extends Pick<DueTicks, "dueMs" | "nextMs"> {
  readonly schedule: Pick<UpcomingSchedule, "name" | "definition" | "ticks">;
}

/** A schedule whose ticks fired. */
export interface FiredSchedule {
  readonly name: string;
  /**
   * The number of enqueued jobs. A tick enqueues none if the last job is unfinished and jobs may not overlap, or if
   * another job holds the unique key.
   */
  readonly jobs: number;
}

/**
 * Fires ticks: enqueues their jobs and advances each schedule, unless it has changed since it was read. This is a
 * compare-and-swap on the number of ticks: of all workers that fire a tick, exactly one succeeds, and no schedule
 * advances without its job.
 *
 * @returns the schedules that fired; for all others, another process was first
 */
export async function fireTicks(db: Queryable, firings: readonly Firing[]): Promise<FiredSchedule[]> {
  const rows = await fetchRows<{ name: string; jobs: string | number }>(db, buildFireStatement(firings));
  return rows.map(({ name, jobs }) => ({ name, jobs: Number(jobs) }));
}

function buildFireStatement(firings: readonly Firing[]): SQL {
  const from = sql`schedule cross join lateral jsonb_to_recordset(schedule.due) as tick (n int, ms float8, iso text)
    where schedule.overlap = 'allow' or (tick.n = 0 and not schedule.is_running) order by ${uniqueKeyOrder}, tick.n`;
  return sql`with locked as materialized (
        select request.due, request."nextMs" as next_ms, schedule.*
        from jsonb_to_recordset(${toRequestsJson(firings)}::text::jsonb)
          as request (name text, definition text, ticks bigint, "nextMs" float8, due jsonb)
        cross join lateral (${lockRequestedSchedule()}) as schedule),
      schedule as materialized (select schedule.*, ${isRunning} as is_running from locked as schedule),
      ${buildScheduledJobInsert(sql`tick.iso`, sql`(tick.ms + random() * schedule.jitter_ms)`, from)},
      created as materialized (select job.schedule, count(*)::int as jobs, max(id) as last_id from job group by job.schedule)
      update ${soniqSchedules} set
        ticks = schedule.ticks + greatest(1, jsonb_array_length(schedule.due)),
        next_run_at = to_timestamp(schedule.next_ms / 1000),
        last_tick_at = coalesce(to_timestamp((schedule.due -> -1 ->> 'ms')::float8 / 1000), schedule.last_tick_at),
        last_job_id = coalesce(created.last_id, schedule.last_job_id),
        updated_at = now()
      from schedule left join created on created.schedule = schedule.name
      where ${soniqSchedules.name} = schedule.name
      returning ${soniqSchedules.name}, coalesce(created.jobs, 0) as jobs,
        (select count(${ring(sql`woken.queue`)}) from (select distinct queue from job) as woken) as rung`;
}

function toRequestsJson(firings: readonly Firing[]): string {
  return JSON.stringify(
    firings.map(({ schedule: { name, definition, ticks }, dueMs, nextMs }) => ({
      name,
      definition,
      ticks,
      nextMs,
      due: dueMs.map((ms, n) => ({ n, ms, iso: new Date(ms).toISOString() })),
    })),
  );
}

/** Skips locked rows instead of waiting: their number of ticks is about to change. */
function lockRequestedSchedule() {
  return new QueryBuilder()
    .select()
    .from(soniqSchedules)
    .where(
      and(
        sql`${soniqSchedules.name} = request.name`,
        sql`${soniqSchedules.definition} = request.definition`,
        eq(soniqSchedules.ticks, sql`request.ticks`),
        isNull(soniqSchedules.pausedAt),
        isNull(soniqSchedules.orphanedAt),
        lte(soniqSchedules.nextRunAt, sql`now()`),
      ),
    )
    .for("no key update", { skipLocked: true });
}
