import type { Job } from "../row/job.js";

/** Something that happened to a job. */
export interface JobMoment {
  /** In ISO 8601. */
  readonly at: string;
  readonly what: "enqueued" | "due" | "claimed" | "failed" | "completed" | "cancelled" | "dead" | "cancel-requested";
  readonly attempt: number | null;
  /** The worker session that had it. */
  readonly worker: string | null;
  readonly message: string | null;
  readonly stack: string | null;
}

/** A job that was due this long after it was enqueued, or later, had to wait for that. */
const soonMs = 1_000;

/**
 * What happened to a job, oldest first, as far as its row tells: its last failures, and of its claims the last one.
 */
export function jobTimeline(job: Job): JobMoment[] {
  const { createdAt, runAt, claimedAt, finishedAt, cancelRequestedAt } = job;
  // A retry begins to count anew.
  const last = { attempt: job.attempt || null, worker: job.lastWorkerId };
  const moments = [
    moment(createdAt, "enqueued"),
    runAt && becameDue(job, runAt) && moment(runAt, "due"),
    ...failures(job),
    claimedAt && moment(claimedAt, "claimed", last),
    cancelRequestedAt && moment(cancelRequestedAt, "cancel-requested"),
    finishedAt && isEnd(job.state) && moment(finishedAt, job.state, { ...last, message: job.reason }),
  ];
  return moments.filter((one) => one instanceof Object).toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** One that was given up before its time never did. */
function becameDue({ createdAt, finishedAt }: Job, runAt: Date): boolean {
  return runAt.getTime() >= createdAt.getTime() + soonMs && !(finishedAt && runAt > finishedAt);
}

function moment(at: Date, what: JobMoment["what"], more: Partial<JobMoment> = {}): JobMoment {
  return { at: at.toISOString(), what, attempt: null, worker: null, message: null, stack: null, ...more };
}

function failures({ errors }: Job): JobMoment[] {
  // Plain SQL may have put anything there.
  return errors.flatMap((error) => {
    const at = new Date(error.at);
    if (Number.isNaN(at.getTime())) return [];
    const { attempt = null, worker = null, name, message, cause, stack = null } = error;
    return [moment(at, "failed", { attempt, worker, message: said(name, message, cause), stack })];
  });
}

function said(name: unknown, message: unknown, cause: unknown): string {
  return `${[name, message].filter(Boolean).map(String).join(": ")}${cause ? ` ← ${String(cause)}` : ""}`;
}

function isEnd(state: Job["state"]): state is "completed" | "cancelled" | "dead" {
  return state !== "queued" && state !== "active";
}
