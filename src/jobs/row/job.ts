import type { ErrorRecord } from "./error-record.js";

/** A job as lists return it. */
export interface JobSummary<Name extends string = string> {
  readonly id: number;
  readonly name: Name;
  readonly queue: string;
  /** A queued job whose `runAt` is in the future is scheduled; scheduled jobs have no separate state. */
  readonly state: "queued" | "active" | "completed" | "cancelled" | "dead";
  readonly priority: number;
  /** The number of the current or last attempt, from 1; 0 before the first. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** How many workers crashed while they ran the job. */
  readonly crashes: number;
  readonly manualRetries: number;
  readonly tags: readonly string[];
  /** Why the job was cancelled or became a dead letter. */
  readonly reason: string | null;
  /** The worker session that runs the job. */
  readonly workerId: string | null;
  readonly createdAt: Date;
  /** The job does not start before this time. Null for a parked job: a webhook whose endpoint accepts no deliveries for now. */
  readonly runAt: Date | null;
  /** When the last attempt started. */
  readonly claimedAt: Date | null;
  readonly cancelRequestedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** A job. `Payload` is the type of the enqueued payload, `Result` the output type of the result's validator. */
export interface Job<Name extends string = string, Payload = unknown, Result = unknown> extends JobSummary<Name> {
  readonly payload: Payload;
  /** The last value that the handler passed to `job.progress`. */
  readonly progress: unknown;
  /** Null unless the job is completed. */
  readonly result: Result | null;
  /** The last failures, newest last. */
  readonly errors: readonly JobError[];
  /** The last 100 log lines, newest last. */
  readonly logs: readonly LogLine[];
  readonly meta: Readonly<Record<string, unknown>>;
  /** The job is cancelled if it has not started an attempt by this time. Null if it never expires. */
  readonly expiresAt: Date | null;
  /** Stays set after the job has released the key. */
  readonly uniqueKey: string | null;
  /** The worker session that claimed the job last. */
  readonly lastWorkerId: string | null;
}

/** A line that a handler logged with `job.log`. */
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
