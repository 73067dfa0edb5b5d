import { and, eq, isNull, lte, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqSchedules } from "../../schema/schedules.js";
import type { Queryable } from "../core/queryable.js";
import { rowsOf } from "../core/rows.js";
import { ring } from "../jobs/doorbell.js";
import type { DueTicks } from "./due-ticks.js";
import { scheduledJob } from "./scheduled-job.js";
import type { UpcomingSchedule } from "./upcoming.js";

/**
 * Fires ticks: enqueues their jobs and moves the schedule on, if it is still as it was read, the count of its ticks above
 * all. So each tick has one winner however many are at it, and none is passed by without its job.
 *
 * @returns how many jobs: none for a tick at which the last job had not finished, where they may not overlap, or at which another
 *   held the unique key. Undefined if somebody else was first.
 */
export async function fire(
  db: Queryable,
  { name, definition, ticks }: Pick<UpcomingSchedule, "name" | "definition" | "ticks">,
  { fire: due, nextMs }: Pick<DueTicks, "fire" | "nextMs">,
): Promise<number | undefined> {
  // Whoever finds the row locked need not wait: the count will have changed.
  const schedule = new QueryBuilder()
    .select()
    .from(soniqSchedules)
    .where(
      and(
        eq(soniqSchedules.name, name),
        eq(soniqSchedules.definition, definition),
        eq(soniqSchedules.ticks, ticks),
        isNull(soniqSchedules.pausedAt),
        isNull(soniqSchedules.orphanedAt),
        lte(soniqSchedules.nextRunAt, sql`now()`),
      ),
    )
    .for("no key update", { skipLocked: true });
  const rows = JSON.stringify(due.map((ms, n) => ({ n, ms, iso: new Date(ms).toISOString() })));
  const running = sql`exists (select 1 from ${soniqJobs} where id = schedule.last_job_id and finished_at is null)`;
  const from = sql`schedule cross join tick where schedule.overlap = 'allow' or (tick.n = 0 and not ${running}) order by tick.n`;
  const [fired] = await rowsOf<{ jobs: string | number }>(
    db,
    sql`with schedule as (${schedule}),
      tick as (select * from jsonb_to_recordset(${rows}::text::jsonb) as row (n int, ms float8, iso text)),
      ${scheduledJob(sql`tick.iso`, sql`(tick.ms + random() * schedule.jitter_ms)`, from)}
      update ${soniqSchedules} set
        ticks = schedule.ticks + greatest(1, ${due.length}::int),
        next_run_at = to_timestamp(${nextMs}::float8 / 1000),
        last_tick_at = coalesce((select to_timestamp(max(ms) / 1000) from tick), schedule.last_tick_at),
        last_job_id = coalesce((select max(id) from job), schedule.last_job_id)
      from schedule where ${soniqSchedules.name} = schedule.name
      returning (select count(*)::int from job) as jobs, (select ${ring(sql`job.queue`)} from job limit 1) as rung`,
  );
  return fired && Number(fired.jobs);
}
