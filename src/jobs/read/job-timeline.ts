import type { Job } from "../row/job.js";

/** An entry in a job's history. */
export interface JobMoment {
  /** In ISO 8601. */
  readonly at: string;
  readonly what: "enqueued" | "due" | "claimed" | "failed" | "completed" | "cancelled" | "dead" | "cancel-requested";
  readonly attempt: number | null;
  /** The worker session that held the job. */
  readonly worker: string | null;
  readonly message: string | null;
  readonly stack: string | null;
}

/** A job had to wait for its time if it became due at least this long after the enqueue. */
const minDelayMs = 1_000;

/** Returns a job's history, oldest first, as far as its row shows it: the last failures, and only the last claim. */
export function jobTimeline(job: Job): JobMoment[] {
  const { createdAt, runAt, claimedAt, finishedAt, cancelRequestedAt } = job;
  // A manual retry resets `attempt` to 0, which is no attempt.
  const lastClaim = { attempt: job.attempt || null, worker: job.lastWorkerId };
  const moments = [
    createMoment(createdAt, "enqueued"),
    runAt && hadToWait(job, runAt) && createMoment(runAt, "due"),
    ...toFailureMoments(job),
    claimedAt && createMoment(claimedAt, "claimed", lastClaim),
    cancelRequestedAt && createMoment(cancelRequestedAt, "cancel-requested"),
    finishedAt && isEnd(job.state) && createMoment(finishedAt, job.state, { ...lastClaim, message: job.reason }),
  ];
  return moments.filter((entry) => entry instanceof Object).toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** Whether the job had to wait until it became due. A job that finished before its time never became due. */
function hadToWait({ createdAt, finishedAt }: Job, runAt: Date): boolean {
  return runAt.getTime() >= createdAt.getTime() + minDelayMs && !(finishedAt && runAt > finishedAt);
}

function createMoment(at: Date, what: JobMoment["what"], details: Partial<JobMoment> = {}): JobMoment {
  return { at: at.toISOString(), what, attempt: null, worker: null, message: null, stack: null, ...details };
}

function toFailureMoments({ errors }: Job): JobMoment[] {
  // Plain SQL may have stored anything here.
  return errors.flatMap((error) => {
    const at = new Date(error.at);
    if (Number.isNaN(at.getTime())) return [];
    const { attempt = null, worker = null, name, message, cause, stack = null } = error;
    return [createMoment(at, "failed", { attempt, worker, message: describeFailure(name, message, cause), stack })];
  });
}

function describeFailure(name: unknown, message: unknown, cause: unknown): string {
  return `${[name, message].filter(Boolean).map(String).join(": ")}${cause ? ` ← ${String(cause)}` : ""}`;
}

function isEnd(state: Job["state"]): state is "completed" | "cancelled" | "dead" {
  return state !== "queued" && state !== "active";
}
