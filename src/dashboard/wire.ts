// What the dashboard's API answers, as JSON: shared by the server and the page. Times are ISO 8601 texts, spans milliseconds.
// Errors: status 4xx/5xx and `{ error: string }`, a sentence that says what to do next.

import type { Job } from "../jobs/row/job.js";

/** GET api/session */
export interface SessionView {
  readonly version: string;
  /** Who looks, as `authorize` named them; null where a token is all that is known. */
  readonly user: string | null;
  /** Whether anything may be changed; else the page offers no buttons. */
  readonly writable: boolean;
  /** Whether redacted payloads may be revealed (GET api/jobs/:id?reveal=1). */
  readonly mayReveal: boolean;
}

/** GET api/stats?range=1h&queue=&name= : range is one of 15m, 1h, 6h, 24h, 7d. Arrays are of equal length, one entry per step. */
export interface StatsView {
  readonly stepSeconds: number;
  /** Start of each step, seconds since 1970. */
  readonly at: readonly number[];
  /** Attempts that ended so, per step. */
  readonly completed: readonly number[];
  readonly retried: readonly number[];
  readonly dead: readonly number[];
  readonly cancelled: readonly number[];
  /** Seconds; null where nothing ran. */
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
  /** Busiest first, over the whole range; the first 50. */
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
  /** 10000 stands for as many or more. */
  readonly due: number;
  readonly scheduled: number;
  readonly parked: number;
  readonly active: number;
  readonly latencyMs: number | null;
  /** Completed per minute, over the last five. */
  readonly perMinute: number;
}

/** GET api/jobs?state=&queue=&name=&tag=&field=&value=&since=&until=&cursor=&limit= : newest first. `field` is a payload path such as `order.id`. */
export interface JobListView {
  readonly jobs: readonly JobRow[];
  readonly next: string | null;
  /** How many jobs this page looked at, and back to when; `complete` if that was all there is. */
  readonly lookedAt: number;
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
  /** A page of the user's own, from `link`; http(s) only. */
  readonly link: string | null;
}

/** An object as it is sent: times in ISO 8601. */
export type Sent<T> = {
  readonly [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K];
};

/** GET api/jobs/:id */
export interface JobView extends JobRow, Sent<Omit<Job, "errors" | "logs" | "lastWorkerId">> {
  /** Paths of fields that were redacted (shown as "•••"). */
  readonly redacted: readonly string[];
  /** What happened, oldest first. */
  readonly timeline: readonly TimelineEntry[];
  readonly logs: readonly {
    readonly at: string;
    readonly attempt: number;
    readonly message: string;
    readonly fields: unknown;
  }[];
  /** What may be done with it now; all of it empty on a dashboard that only reads. */
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
  /** 10000 stands for as many or more. */
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

/** POST api/dead-letters/retry or /purge, with a filter as JSON body; answers NDJSON, a line per batch, the last one final. */
export interface BulkProgressView {
  readonly done: number;
  readonly refused: number;
  readonly finished: boolean;
  /** Why it stopped before its end. */
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
  /** Per queue: how many run, of how many that may at once. */
  readonly queues: readonly { readonly name: string; readonly active: number; readonly concurrency: number }[];
  readonly startedAt: string;
  readonly beatAt: string;
  /** Negative once it is over. */
  readonly leaseLeftMs: number;
  readonly endedAt: string | null;
  readonly state: "live" | "silent" | "ended";
}

/** GET api/endpoints?tenant=&allTenants= */
export interface EndpointView {
  readonly id: string;
  /** Null: it gets the events of all tenants. */
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

// Writes (POST, JSON body or none, header `x-soniq: 1`): answer 200 `{ done: string }`, a word on what became of it, or 409 { error }.
//   api/queues/:name/pause|resume   api/jobs/:id/retry|cancel|run-now|discard   api/schedules/:name/pause|resume|trigger
//   api/endpoints/:id/pause|resume  api/deliveries/:id/resend                    api/dead-letters/retry|purge (NDJSON)
// GET api/live: server-sent events, read with fetch (the token goes in a header): every two seconds
//   event: overview  data: LiveView
export interface LiveView {
  readonly at: string;
  readonly queues: readonly QueueView[];
  readonly workers: number;
  readonly deadLetters: number;
  /** Attempts that ended since the last event, as workers wrote them to the stats: they do so every few seconds. */
  readonly perSecond: number;
}
