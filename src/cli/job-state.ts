import type { JobSummary } from "../jobs/row/job.js";

/** Names a job's state for people: a queued job may be parked or scheduled, and then it cannot run yet. */
export function formatJobState({ state, runAt }: JobSummary): string {
  if (state !== "queued") return state;
  if (runAt === null) return "parked";
  return runAt.getTime() > Date.now() ? "scheduled" : state;
}
