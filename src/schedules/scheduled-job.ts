import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { dueFrom } from "../jobs/due.js";

/**
 * The insert of a job of the row `schedule`, without its `from`. A builder's `insert … select` would have to list every column:
 * this one leaves the defaults to the table.
 *
 * @param tick the tick as a text, which its `meta` tells, or null
 * @param runAtMs when it is due, in milliseconds since 1970; null, or what is past, means now
 */
export function insertJob(tick: SQL, runAtMs: SQL): SQL {
  return sql`insert into ${soniqJobs} (name, queue, priority, max_attempts, payload, tags, meta, unique_key, run_at)
    select schedule.job_name, schedule.options ->> 'queue', (schedule.options ->> 'priority')::int,
      (schedule.options ->> 'maxAttempts')::int, schedule.payload, schedule.options -> 'tags',
      jsonb_strip_nulls(jsonb_build_object('schedule', schedule.name, 'tick', ${tick})), schedule.options ->> 'uniqueKey',
      ${dueFrom(runAtMs, sql`null::float8`)}`;
}
