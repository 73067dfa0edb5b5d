import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqSchedules } from "../../schema/schedules.js";
import { inputTypes, insertJobs, type JobInput } from "../jobs/row/job-columns.js";
import { onConflict } from "../jobs/enqueue/on-conflict.js";
import { holdsKey, isOver } from "../jobs/row/unique-key.js";

const key = sql`schedule.options ->> 'uniqueKey'`;

/**
 * Whether the last job of a step `schedule`, which has locked its rows, has not finished. A job that was committed after the
 * statement began is not visible to it; the statement sees the schedule as it was before that, too, and the row as it is now
 * differs.
 */
export const isRunning = sql`(exists (select 1 from ${soniqJobs} where id = schedule.last_job_id and finished_at is null)
  or schedule.last_job_id is distinct from (select seen.last_job_id from ${soniqSchedules} as seen where seen.name = schedule.name))`;

/** The order in which several schedules lock and insert unique keys: in any other, two statements could wait for each other. */
export const byUniqueKey = sql`${key} nulls first, schedule.name`;

/**
 * The steps `freed` and `job` of a statement whose step `schedule` has rows of schedules: their jobs, where no other job holds
 * their unique key.
 *
 * @param tick the tick as a text, which the job's `meta` tells, or null
 * @param runAtMs when the job is due, in milliseconds since 1970; null, or what is past, means now
 * @param from `schedule`, joined with what `tick` and `runAtMs` are taken from
 */
export function scheduledJob(tick: SQL, runAtMs: SQL, from: SQL): SQL {
  const own: Partial<Record<JobInput, SQL>> = {
    name: sql`schedule.job_name`,
    payload: sql`schedule.payload`,
    meta: sql`jsonb_strip_nulls(pg_catalog.jsonb_build_object('schedule', schedule.name, 'tick', ${tick}))`,
    uniqueKey: sql`(select ${key} from (select count(*) from freed) as freed)`,
    uniqueUntil: sql`coalesce(schedule.options ->> 'uniqueUntil', 'finished')`,
    runAtMs,
  };
  const input = (name: JobInput) => own[name] ?? storedOption(name);
  // The key reads what was freed, or they would be carried out in any order.
  return sql`freed as (
      update ${soniqJobs} set unique_held = false where id = any (array(
        select holder.id from schedule join ${soniqJobs} as holder on holder.unique_key = ${key} and ${holdsKey} and ${isOver}
        order by ${byUniqueKey} for no key update of holder))
      returning id),
    job as (
      ${insertJobs(input, { conflict: "keep", rest: sql`from ${from} ${onConflict("keep", input("maxWaitMs"))}` })}
      returning id, queue, meta ->> 'schedule' as schedule)`;
}

/** An option that the schedule's definition gives its jobs. */
function storedOption(name: JobInput): SQL {
  const [option, type] = [sql.raw(`'${name}'`), inputTypes[name]];
  if (type === "jsonb") return sql`schedule.options -> ${option}`;
  return sql`(schedule.options ->> ${option})::${sql.raw(type)}`;
}
