// The JSON types of the dashboard's API, shared by the server and the page. Times are ISO 8601 texts, durations milliseconds.
// Errors have a status of 4xx or 5xx and the body `{ error: string }`, a sentence that says what to do next.

import type { Job } from "../jobs/row/job.js";

/** GET api/session */
export interface SessionView {
  readonly version: string;
  /** The user's name, as `authorize` returned it; null if only a token identifies the user. */
  readonly user: string | null;
  /** Whether changes are enabled; if not, the page shows no buttons. */
  readonly writable: boolean;
  /** Whether redacted payloads may be revealed (GET api/jobs/:id?reveal=1). */
  readonly mayReveal: boolean;
}

/** GET api/stats?range=1h&queue=&name= : range is 15m, 1h, 6h, 24h or 7d. All arrays have one entry per step. */
export interface StatsView {
  readonly stepSeconds: number;
  /** Start of each step in seconds since 1970. */
  readonly at: readonly number[];
  /** Attempts by outcome, per step. */
  readonly completed: readonly number[];
  readonly retried: readonly number[];
  readonly dead: readonly number[];
  readonly cancelled: readonly number[];
  /** In seconds; null for a step in which nothing ran. */
  readonly run: {
    readonly p50: readonly (number | null)[];
    readonly p95: readonly (number | null)[];
    readonly p99: readonly (number | null)[];
  };
  readonly wait: {
    readonly p50: readonly (number | null)[];
    readonly p95: readonly (number | null)[];
    readonly p99: readonly (number | null)[];
  };
  /** The 50 busiest job names over the whole range, busiest first. */
  readonly byName: readonly {
    readonly name: string;
    readonly completed: number;
    readonly failed: number;
    readonly p95: number | null;
  }[];
}

/** GET api/queues, and each `queues` event of GET api/live */
export interface QueueView {
  readonly name: string;
  readonly pausedAt: string | null;
  /** At most 10000, which stands for 10000 or more. */
  readonly due: number;
  readonly scheduled: number;
  readonly parked: number;
  readonly active: number;
  readonly latencyMs: number | null;
  /** Completed jobs per minute, averaged over the last five minutes. */
  readonly perMinute: number;
}

/** GET api/jobs?state=&queue=&name=&tag=&field=&value=&since=&until=&cursor=&limit= : newest first. `field` is a payload path such as `order.id`. */
export interface JobListView {
  readonly jobs: readonly JobRow[];
  readonly next: string | null;
  /** How many jobs this page scanned, and how far back; `complete` if no jobs are left to scan. */
  readonly scannedJobs: number;
  readonly backTo: string | null;
  readonly complete: boolean;
}

export interface JobRow {
  readonly id: number;
  readonly name: string;
  readonly queue: string;
  readonly state: "queued" | "active" | "completed" | "cancelled" | "dead";
  readonly priority: number;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly tags: readonly string[];
  readonly reason: string | null;
  readonly createdAt: string;
  /** Null for a parked job. */
  readonly runAt: string | null;
  readonly claimedAt: string | null;
  readonly finishedAt: string | null;
  /** The user's own page about the job, from `link`; http(s) only. */
  readonly link: string | null;
}

/** An object with its dates as ISO 8601 texts. */
export type Serialized<T> = {
  readonly [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K];
};

/** GET api/jobs/:id */
export interface JobView extends JobRow, Serialized<Omit<Job, "errors" | "logs" | "lastWorkerId">> {
  /** Paths of the redacted fields, whose values are "•••". */
  readonly redacted: readonly string[];
  /** The job's history, oldest first. */
  readonly timeline: readonly TimelineEntry[];
  readonly logs: readonly {
    readonly at: string;
    readonly attempt: number;
    readonly message: string;
    readonly fields: unknown;
  }[];
  /** The actions that the job's state allows; empty on a read-only dashboard. */
  readonly actions: readonly JobAction[];
}
export type JobAction = "retry" | "cancel" | "run-now" | "discard";

export interface TimelineEntry {
  readonly at: string;
  readonly what: "enqueued" | "due" | "claimed" | "failed" | "completed" | "cancelled" | "dead" | "cancel-requested";
  readonly attempt: number | null;
  readonly worker: string | null;
  readonly message: string | null;
  readonly stack: string | null;
}

/** GET api/dead-letters/groups?name=&queue=&reason=&since=&until= */
export interface DeadLetterGroupsView {
  /** At most 10000, which stands for 10000 or more. */
  readonly count: number;
  readonly groups: readonly {
    readonly name: string;
    readonly reason: string;
    readonly error: string | null;
    readonly count: number;
    readonly oldest: string;
    readonly newest: string;
  }[];
}

/** GET api/dead-letters?<filter>&cursor=&limit= */
export interface DeadLetterListView {
  readonly deadLetters: readonly (JobRow & { readonly error: string | null; readonly manualRetries: number })[];
  readonly next: string | null;
}

/** POST api/dead-letters/retry or /purge, with a filter as JSON body; returns NDJSON, a line per batch; the last line is final. */
export interface BulkProgressView {
  readonly done: number;
  readonly refused: number;
  readonly finished: boolean;
  /** Why it stopped early. */
  readonly error?: string;
}

/** GET api/schedules */
export interface ScheduleView {
  readonly name: string;
  readonly timing: string;
  readonly timeZone: string;
  readonly jobName: string;
  readonly payload: unknown;
  readonly missed: string;
  readonly overlap: string;
  readonly pausedAt: string | null;
  readonly orphanedAt: string | null;
  readonly lastTickAt: string | null;
  readonly lastJobId: number | null;
  readonly nextTicks: readonly string[];
}

/** GET api/workers */
export interface WorkerView {
  readonly id: string;
  readonly host: string;
  readonly pid: number | null;
  readonly version: string;
  /** Per queue: the running jobs, and the maximum that may run at once. */
  readonly queues: readonly { readonly name: string; readonly active: number; readonly concurrency: number }[];
  readonly startedAt: string;
  readonly beatAt: string;
  /** Negative once the lease has expired. */
  readonly leaseLeftMs: number;
  readonly endedAt: string | null;
  readonly state: "live" | "silent" | "ended";
}

/** GET api/endpoints?tenant=&allTenants= */
export interface EndpointView {
  readonly id: string;
  /** Null if the endpoint receives the events of all tenants. */
  readonly tenant: string | null;
  readonly url: string;
  readonly description: string;
  readonly events: readonly string[];
  readonly state: "working" | "paused" | "open";
  readonly pausedReason: string | null;
  readonly failures: number;
  readonly openUntil: string | null;
  readonly createdAt: string;
}

/** GET api/endpoints/:id/deliveries?cursor= */
export interface DeliveryListView {
  readonly deliveries: readonly DeliveryView[];
  readonly next: string | null;
}
export interface DeliveryView {
  readonly id: number;
  readonly messageId: string;
  readonly event: string;
  readonly state: "queued" | "parked" | "active" | "completed" | "cancelled" | "dead";
  readonly attempt: number;
  readonly nextAt: string | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly answer: { readonly status: number; readonly durationMs: number; readonly excerpt: string } | null;
  readonly failures: readonly {
    readonly attempt: number;
    readonly at: string;
    readonly message: string;
    readonly status: number | null;
  }[];
  readonly reason: string | null;
}

/** GET api/audit?cursor= : newest first. */
export interface AuditView {
  readonly entries: readonly {
    readonly id: number;
    readonly at: string;
    readonly actor: string;
    readonly action: string;
    readonly target: string;
    readonly outcome: string;
  }[];
  readonly next: string | null;
}

// Writes (POST with a JSON body or none, header `x-soniq: 1`) return 200 `{ done: string }`, the outcome in a few words, or 409
// `{ error }`:
//   api/queues/:name/pause|resume   api/jobs/:id/retry|cancel|run-now|discard   api/schedules/:name/pause|resume|trigger
//   api/endpoints/:id/pause|resume  api/deliveries/:id/resend                    api/dead-letters/retry|purge (NDJSON)
// GET api/live: server-sent events every two seconds, read with fetch because the token is sent in a header.
//   event: overview  data: LiveView
export interface LiveView {
  readonly at: string;
  readonly queues: readonly QueueView[];
  readonly workers: number;
  readonly deadLetters: number;
  /** Attempts that end per second, from the stats that workers write every few seconds. */
  readonly perSecond: number;
}
