import { printHookFailure } from "../core/call-hook.js";
import type { Job } from "../jobs/row/job.js";

/** What a link is made of: the job as it is stored. */
export type LinkedJob = Pick<Job, "id" | "name" | "queue" | "payload" | "tags" | "meta">;

const relativeTo = "http://relative";

/**
 * The user's own page about a job, if there is one that a browser may be led to: what stands in a payload may have been
 * written by anybody.
 */
export function linkOf(job: LinkedJob, link: ((job: LinkedJob) => string | undefined) | undefined): string | null {
  try {
    const address = link?.(job);
    // As browsers read it: they leave out line breaks, and blanks in front.
    if (!address || !URL.canParse(address, relativeTo)) return null;
    return /^https?:$/.test(new URL(address, relativeTo).protocol) ? address : null;
  } catch (error) {
    printHookFailure("the dashboard's link", error);
    return null;
  }
}
