import type { JobSummary } from "../jobs/row/job.js";

/** A job's state in the words that people use: not all that is queued can run. */
export function jobState({ state, runAt }: JobSummary): string {
  if (state !== "queued") return state;
  if (runAt === null) return "parked";
  return runAt.getTime() > Date.now() ? "scheduled" : state;
}
