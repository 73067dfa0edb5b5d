import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";

/** A job keeps its last 10 errors. */
const maxErrors = sql.raw("10");

/**
 * Returns the changes that end a claim, for any next state of the job. `worker_id` becomes null, which makes the claim one-shot.
 *
 * @param state the next state of the job
 * @param runAt the next `run_at` if the job is queued again; a finished job keeps its time
 */
export function endClaim(state: SQL, runAt: SQL) {
  return {
    state,
    runAt: sql`case when ${state} = 'queued' then ${runAt} else ${soniqJobs.runAt} end`,
    workerId: null,
    deadlineAt: null,
    finishedAt: sql`case when ${state} <> 'queued' then now() end`,
    uniqueHeld: keepKeyWhile(sql`${state} = 'queued'`),
  };
}

/** Keeps the job's key while the condition holds, and otherwise until its window has passed. */
export function keepKeyWhile(condition: SQL): SQL {
  return sql`${soniqJobs.uniqueHeld} and (${condition} or coalesce(${soniqJobs.uniqueExpiresAt} > now(), false))`;
}

/** Appends an error, and drops the oldest error over the limit. */
export function appendError(error: SQL): SQL {
  // Plain SQL may have stored anything here.
  const stored = sql`case when jsonb_typeof(${soniqJobs.errors}) <> 'array' then '[]' when jsonb_array_length(${soniqJobs.errors}) >= ${maxErrors} then ${soniqJobs.errors} - 0 else ${soniqJobs.errors} end`;
  return sql`(${stored}) || pg_catalog.jsonb_build_array(${error} || pg_catalog.jsonb_build_object('at', now()))`;
}
