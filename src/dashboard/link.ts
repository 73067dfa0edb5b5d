import type { Job } from "../jobs/job.js";

/** What a link is made of: the job as it is stored. */
export type LinkedJob = Pick<Job, "id" | "name" | "queue" | "payload" | "tags" | "meta">;

/**
 * The user's own page about a job, if there is one that a browser may be led to: what stands in a payload may have been
 * written by anybody.
 */
export function linkOf(job: LinkedJob, link: ((job: LinkedJob) => string | undefined) | undefined): string | null {
  try {
    const address = link?.(job);
    if (!address) return null;
    // As browsers read it: they leave out line breaks, and blanks in front.
    const { protocol } = new URL(address, "http://relative");
    return protocol === "http:" || protocol === "https:" ? address : null;
  } catch (error) {
    console.error("soniq-drizzle: the dashboard's link failed:", error);
    return null;
  }
}
