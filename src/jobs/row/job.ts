import type { ErrorRecord } from "./error-record.js";

/** What lists show of a job. */
export interface JobSummary<Name extends string = string> {
  readonly id: number;
  readonly name: Name;
  readonly queue: string;
  /** A queued job whose `runAt` lies in the future is scheduled: that is not a state of its own. */
  readonly state: "queued" | "active" | "completed" | "cancelled" | "dead";
  readonly priority: number;
  /** Which attempt it is at, from 1; 0 before the first. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** How many workers died with it in hand. */
  readonly crashes: number;
  readonly manualRetries: number;
  readonly tags: readonly string[];
  /** Why it was cancelled or died. */
  readonly reason: string | null;
  /** The worker session that runs it. */
  readonly workerId: string | null;
  readonly createdAt: Date;
  /** Not before then; null for a job that is parked: a webhook whose endpoint takes none now. */
  readonly runAt: Date | null;
  /** When its last attempt began. */
  readonly claimedAt: Date | null;
  readonly cancelRequestedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** A job: `Payload` is what was enqueued, `Result` what its validator makes of the result. */
export interface Job<Name extends string = string, Payload = unknown, Result = unknown> extends JobSummary<Name> {
  readonly payload: Payload;
  /** What its handler told last with `job.progress`. */
  readonly progress: unknown;
  /** Null unless it is completed. */
  readonly result: Result | null;
  /** Its last failures, newest last. */
  readonly errors: readonly JobError[];
  /** Its last hundred lines, newest last. */
  readonly logs: readonly LogLine[];
  readonly meta: Readonly<Record<string, unknown>>;
  /** It is cancelled if it has not begun an attempt by then; null for never. */
  readonly expiresAt: Date | null;
  /** Kept for good, whether or not it is held. */
  readonly uniqueKey: string | null;
  /** The worker session that had it last. */
  readonly lastWorkerId: string | null;
}

/** What a handler said with `job.log`. */
export interface LogLine {
  /** When, in ISO 8601. */
  readonly at: string;
  readonly attempt: number;
  readonly message: string;
  readonly fields?: unknown;
}

/** A failed attempt. */
export interface JobError extends ErrorRecord {
  /** When, in ISO 8601. */
  readonly at: string;
}
