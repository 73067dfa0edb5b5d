import type { ClaimedJob } from "../../jobs/claim/claim.js";

/** A job that was active in more than one crash may have caused them. */
const isSuspect = ({ crashes }: ClaimedJob) => crashes > 1;

/**
 * Picks the claimed jobs with crashes that may run now: at most `concurrency`, and at most one suspect, counting the suspects that
 * the worker already holds.
 *
 * @param heldJobs the jobs that run or wait for a slot
 */
export function pickCrashedJobs(
  claimed: readonly ClaimedJob[],
  heldJobs: readonly ClaimedJob[],
  concurrency: number,
): ClaimedJob[] {
  let suspects = heldJobs.filter(isSuspect).length;
  const picked = claimed.filter((job) => job.crashes > 0 && (!isSuspect(job) || ++suspects === 1));
  return picked.slice(0, concurrency);
}
