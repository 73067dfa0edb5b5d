import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";

/** A job keeps its last failures. */
const keptErrors = sql.raw("10");

/**
 * What every end of a claim writes, whatever the job becomes. `worker_id` becomes null: that is what makes the claim one-shot.
 *
 * @param state the job's state from now on
 * @param runAt not before then, if it is queued again; the time of a job that has finished is kept
 */
export function endClaim(state: SQL, runAt: SQL) {
  return {
    state,
    runAt: sql`case when ${state} = 'queued' then ${runAt} else ${soniqJobs.runAt} end`,
    workerId: null,
    deadlineAt: null,
    finishedAt: sql`case when ${state} <> 'queued' then now() end`,
    uniqueHeld: keyStillHeld(sql`${state} = 'queued'`),
  };
}

/** A key is held on if its job is not over for it, and otherwise until it expires. */
export function keyStillHeld(goesOn: SQL): SQL {
  return sql`${soniqJobs.uniqueHeld} and (${goesOn} or coalesce(${soniqJobs.uniqueExpiresAt} > now(), false))`;
}

/** The errors with one more, without the oldest that is one too many. */
export function errorsWith(error: SQL): SQL {
  // Plain SQL may have put anything there.
  const kept = sql`case when jsonb_typeof(${soniqJobs.errors}) <> 'array' then '[]' when jsonb_array_length(${soniqJobs.errors}) >= ${keptErrors} then ${soniqJobs.errors} - 0 else ${soniqJobs.errors} end`;
  return sql`(${kept}) || pg_catalog.jsonb_build_array(${error} || pg_catalog.jsonb_build_object('at', now()))`;
}
