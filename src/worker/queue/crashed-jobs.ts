import type { ClaimedJob } from "../../jobs/claim/claim.js";

/** A job that was in more than one crash, which may have been its own doing. */
const isSuspect = ({ crashes }: ClaimedJob) => crashes > 1;

/**
 * Of the claimed jobs that were in a crash as many as may run at once, of those that were in several no more than one.
 *
 * @param held the jobs that wait for a slot or run
 */
export function fewCrashed(
  claimed: readonly ClaimedJob[],
  held: readonly ClaimedJob[],
  concurrency: number,
): ClaimedJob[] {
  let suspects = held.filter(isSuspect).length;
  const few = claimed.filter((job) => job.crashes > 0 && (!isSuspect(job) || ++suspects === 1));
  return few.slice(0, concurrency);
}
