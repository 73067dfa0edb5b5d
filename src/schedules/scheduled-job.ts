import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { dueFrom } from "../jobs/due.js";
import { holdsKey, isOver } from "../jobs/unique-key.js";

/**
 * The steps `freed` and `job` of a statement whose step `schedule` is a schedule's row: its jobs, where no other job holds
 * their unique key. A builder's `insert … select` would have to list every column: this one leaves the defaults to the table.
 *
 * @param tick the tick as a text, which the job's `meta` tells, or null
 * @param runAtMs when the job is due, in milliseconds since 1970; null, or what is past, means now
 * @param from `schedule`, joined with what `tick` and `runAtMs` are taken from
 */
export function scheduledJob(tick: SQL, runAtMs: SQL, from: SQL): SQL {
  const key = sql`schedule.options ->> 'uniqueKey'`;
  // The key reads what was freed, or they would be carried out in any order.
  return sql`freed as (
      update ${soniqJobs} set unique_held = false from schedule where unique_key = ${key} and ${holdsKey} and ${isOver} returning id),
    job as (
      insert into ${soniqJobs}
        (name, queue, priority, max_attempts, payload, tags, meta, unique_key, unique_until, unique_expires_at, run_at)
      select schedule.job_name, schedule.options ->> 'queue', (schedule.options ->> 'priority')::int,
        (schedule.options ->> 'maxAttempts')::int, schedule.payload, schedule.options -> 'tags',
        jsonb_strip_nulls(pg_catalog.jsonb_build_object('schedule', schedule.name, 'tick', ${tick})),
        (select ${key} from (select count(*) from freed) as freed), coalesce(schedule.options ->> 'uniqueUntil', 'finished'),
        clock_timestamp() + (schedule.options ->> 'withinMs')::float8 * interval '1 millisecond',
        ${dueFrom(runAtMs, sql`null::float8`)}
      from ${from}
      on conflict (unique_key) where ${holdsKey} do nothing
      returning id, queue)`;
}
