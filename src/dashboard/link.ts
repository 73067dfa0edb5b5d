import { printHookFailure } from "../core/call-hook.js";
import type { Job } from "../jobs/row/job.js";

/** The fields of a stored job that `link` receives. */
export type LinkedJob = Pick<Job, "id" | "name" | "queue" | "payload" | "tags" | "meta">;

const baseUrl = "http://relative";

/**
 * Returns the link to the user's own page about a job. Only http(s) links pass, because a link may contain payload fields, which
 * anybody may have written.
 */
export function buildLink(job: LinkedJob, link: ((job: LinkedJob) => string | undefined) | undefined): string | null {
  try {
    const address = link?.(job);
    // The URL parser normalizes as browsers do: it ignores line breaks and leading blanks.
    if (!address || !URL.canParse(address, baseUrl)) return null;
    return /^https?:$/.test(new URL(address, baseUrl).protocol) ? address : null;
  } catch (error) {
    printHookFailure("the dashboard's link", error);
    return null;
  }
}
