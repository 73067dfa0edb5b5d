import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqSchedules } from "../../schema/schedules.js";
import { inputTypes, buildJobInsert, type JobInput } from "../jobs/row/job-columns.js";
import { buildOnConflict } from "../jobs/enqueue/on-conflict.js";
import { holdsKey, canBeTakenOver } from "../jobs/row/unique-key.js";

const uniqueKeyOption = sql`schedule.options ->> 'uniqueKey'`;

/**
 * Whether the last job of the CTE `schedule`, which has locked its rows, is unfinished. The statement's snapshot
 * contains neither a job that was committed after the statement began, nor the `last_job_id` that was committed with
 * it. The locked row has that id, so a difference between the two means that the job is running.
 */
export const isRunning = sql`(exists (select 1 from ${soniqJobs} where id = schedule.last_job_id and finished_at is null)
  or schedule.last_job_id is distinct from (select seen.last_job_id from ${soniqSchedules} as seen where seen.name = schedule.name))`;

/**
 * The order in which a statement locks and inserts the unique keys of several schedules. In any other order, two
 * statements could deadlock.
 */
export const uniqueKeyOrder = sql`${uniqueKeyOption} nulls first, schedule.name`;

/**
 * Builds the CTEs `freed` and `job`, which enqueue the jobs of the schedules in the CTE `schedule`, unless another job
 * holds their unique key.
 *
 * @param tick the tick as a text, stored in the job's `meta`, or null
 * @param runAtMs when the job is due, in milliseconds since 1970; null or a past time means now
 * @param from `schedule`, joined with the rows that `tick` and `runAtMs` read
 */
export function buildScheduledJobInsert(tick: SQL, runAtMs: SQL, from: SQL): SQL {
  const overrides: Partial<Record<JobInput, SQL>> = {
    name: sql`schedule.job_name`,
    payload: sql`schedule.payload`,
    meta: sql`jsonb_strip_nulls(pg_catalog.jsonb_build_object('schedule', schedule.name, 'tick', ${tick}))`,
    uniqueKey: sql`(select ${uniqueKeyOption} from (select count(*) from freed) as freed)`,
    uniqueUntil: sql`coalesce(schedule.options ->> 'uniqueUntil', 'finished')`,
    runAtMs,
  };
  const toInput = (name: JobInput) => overrides[name] ?? readStoredOption(name);
  // The key reads from `freed`, so PostgreSQL runs `freed` before `job`. Otherwise their order would be undefined.
  return sql`freed as (
      update ${soniqJobs} set unique_held = false where id = any (array(
        select holder.id from schedule join ${soniqJobs} as holder on holder.unique_key = ${uniqueKeyOption} and ${holdsKey} and ${canBeTakenOver}
        order by ${uniqueKeyOrder} for no key update of holder))
      returning id),
    job as (
      ${buildJobInsert(toInput, { conflict: "keep", rest: sql`from ${from} ${buildOnConflict("keep", toInput("maxWaitMs"))}` })}
      returning id, queue, meta ->> 'schedule' as schedule)`;
}

/** Reads a job option of the schedule's stored definition. */
function readStoredOption(name: JobInput): SQL {
  const [option, type] = [sql.raw(`'${name}'`), inputTypes[name]];
  if (type === "jsonb") return sql`schedule.options -> ${option}`;
  return sql`(schedule.options ->> ${option})::${sql.raw(type)}`;
}
