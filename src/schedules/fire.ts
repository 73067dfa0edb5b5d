import { and, eq, isNull, lte, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqSchedules } from "../../schema/schedules.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/rows.js";
import { ring } from "../sessions/doorbell.js";
import type { DueTicks } from "./due-ticks.js";
import { byUniqueKey, isRunning, scheduledJob } from "./scheduled-job.js";
import type { UpcomingSchedule } from "./upcoming.js";

/** A schedule as it was read, and its ticks that are to fire. */
export interface Firing extends Pick<DueTicks, "fire" | "nextMs"> {
  readonly schedule: Pick<UpcomingSchedule, "name" | "definition" | "ticks">;
}

/** A schedule whose ticks fired. */
export interface Fired {
  readonly name: string;
  /**
   * How many jobs were enqueued: none for a tick at which the last job had not finished, where they may not overlap, or at
   * which another job held the unique key.
   */
  readonly jobs: number;
}

/**
 * Fires ticks of some schedules: enqueues their jobs and moves each schedule on, if it is still as it was read, the count of its
 * ticks above all. So each tick has one winner however many are at it, and none is passed by without its job.
 *
 * @returns the schedules that fired; for each of the others, somebody else was first
 */
export async function fireTicks(db: Queryable, firings: readonly Firing[]): Promise<Fired[]> {
  const asked = firings.map(({ schedule: { name, definition, ticks }, fire, nextMs }) => ({
    name,
    definition,
    ticks,
    nextMs,
    due: fire.map((ms, n) => ({ n, ms, iso: new Date(ms).toISOString() })),
  }));
  // Whoever finds a row locked need not wait: the count will have changed.
  const locked = new QueryBuilder()
    .select()
    .from(soniqSchedules)
    .where(
      and(
        sql`${soniqSchedules.name} = asked.name`,
        sql`${soniqSchedules.definition} = asked.definition`,
        eq(soniqSchedules.ticks, sql`asked.ticks`),
        isNull(soniqSchedules.pausedAt),
        isNull(soniqSchedules.orphanedAt),
        lte(soniqSchedules.nextRunAt, sql`now()`),
      ),
    )
    .for("no key update", { skipLocked: true });
  const from = sql`schedule cross join lateral jsonb_to_recordset(schedule.due) as tick (n int, ms float8, iso text)
    where schedule.overlap = 'allow' or (tick.n = 0 and not schedule.is_running) order by ${byUniqueKey}, tick.n`;
  const rows = await fetchRows<{ name: string; jobs: string | number }>(
    db,
    sql`with locked as materialized (
        select asked.due, asked."nextMs" as next_ms, schedule.*
        from jsonb_to_recordset(${JSON.stringify(asked)}::text::jsonb)
          as asked (name text, definition text, ticks bigint, "nextMs" float8, due jsonb)
        cross join lateral (${locked}) as schedule),
      schedule as materialized (select schedule.*, ${isRunning} as is_running from locked as schedule),
      ${scheduledJob(sql`tick.iso`, sql`(tick.ms + random() * schedule.jitter_ms)`, from)},
      made as materialized (select job.schedule, count(*)::int as jobs, max(id) as last_id from job group by job.schedule)
      update ${soniqSchedules} set
        ticks = schedule.ticks + greatest(1, jsonb_array_length(schedule.due)),
        next_run_at = to_timestamp(schedule.next_ms / 1000),
        last_tick_at = coalesce(to_timestamp((schedule.due -> -1 ->> 'ms')::float8 / 1000), schedule.last_tick_at),
        last_job_id = coalesce(made.last_id, schedule.last_job_id),
        updated_at = now()
      from schedule left join made on made.schedule = schedule.name
      where ${soniqSchedules.name} = schedule.name
      returning ${soniqSchedules.name}, coalesce(made.jobs, 0) as jobs,
        (select count(${ring(sql`worked.queue`)}) from (select distinct queue from job) as worked) as rung`,
  );
  return rows.map(({ name, jobs }) => ({ name, jobs: Number(jobs) }));
}
