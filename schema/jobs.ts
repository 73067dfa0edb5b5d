import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";

/**
 * One row for a job's whole life: `queued → active → completed | cancelled | dead`.
 *
 * Every column but `name` and `payload` has a default, so that a plain SQL
 * `insert into soniq_jobs (name, payload) values ('send-invoice', '{"orderId": 1}')` enqueues.
 */
export const soniqJobs = pgTable(
  "soniq_jobs",
  {
    id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    queue: text("queue").notNull().default("default"),
    name: text("name").notNull(),
    state: text("state", { enum: ["queued", "active", "completed", "cancelled", "dead"] })
      .notNull()
      .default("queued"),
    /** 0 runs first, 9 last. */
    priority: smallint("priority").notNull().default(5),
    payload: jsonb("payload").notNull(),
    /** Not before this time. The clock, not the transaction's start: the claims' marks would pass over a job dated back. */
    runAt: timestamp("run_at", { withTimezone: true })
      .notNull()
      .default(sql`clock_timestamp()`),

    /** Times claimed. Never lowered. */
    claims: integer("claims").notNull().default(0),
    /**
     * Which of its session's claim statements took the job. With `id` and `worker_id` it names one claim: the fence. The count is
     * the worker's and never goes back, as `id` and `claims` do in a failover that loses commits.
     */
    claimToken: integer("claim_token").notNull().default(0),
    /** Which attempt this is: one up at each claim, one down when the job is given back. */
    attempt: integer("attempt").notNull().default(0),
    maxAttempts: integer("max_attempts").notNull().default(10),
    /** Times rescued from a worker that died, or that its transaction lost its connection, since it last ended in order. */
    crashes: integer("crashes").notNull().default(0),

    /** The worker session that holds the claim; null unless active, which is what makes a claim one-shot. */
    workerId: uuid("worker_id"),
    lastWorkerId: uuid("last_worker_id"),
    /** A job that has not begun an attempt by then is cancelled. */
    expiresAt: timestamp("expires_at", { withTimezone: true }),
    /** An active job past this time is rescued even from a worker that lives. */
    deadlineAt: timestamp("deadline_at", { withTimezone: true }),
    cancelRequestedAt: timestamp("cancel_requested_at", { withTimezone: true }),
    /** When a worker first met it whose code does not know this name, or refuses this payload. */
    unknownSince: timestamp("unknown_since", { withTimezone: true }),

    /** Kept for good; at most one job at a time holds it. */
    uniqueKey: text("unique_key"),
    uniqueHeld: boolean("unique_held").notNull().default(true),
    /** When the key is freed: as the job starts, or as it finishes. */
    uniqueUntil: text("unique_until", { enum: ["started", "finished"] })
      .notNull()
      .default("finished"),
    uniqueExpiresAt: timestamp("unique_expires_at", { withTimezone: true }),

    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
    claimedAt: timestamp("claimed_at", { withTimezone: true }),
    finishedAt: timestamp("finished_at", { withTimezone: true }),

    result: jsonb("result"),
    progress: jsonb("progress"),
    /** The last failures, newest last, each with its attempt and worker. */
    errors: jsonb("errors").notNull().default([]),
    logs: jsonb("logs").notNull().default([]),
    /** Why the job was cancelled or died. */
    reason: text("reason"),
    manualRetries: integer("manual_retries").notNull().default(0),
    tags: jsonb("tags").notNull().default([]),
    meta: jsonb("meta").notNull().default({}),
  },
  (t) => [
    index("soniq_jobs_claim")
      .on(t.queue, t.priority, t.runAt, t.id)
      .where(sql`state = 'queued'`),
    index("soniq_jobs_owner")
      .on(t.workerId)
      .where(sql`state = 'active'`),
    uniqueIndex("soniq_jobs_unique")
      .on(t.uniqueKey)
      .where(sql`unique_held and unique_key is not null`),
    index("soniq_jobs_dead")
      .on(t.finishedAt, t.id)
      .where(sql`state = 'dead'`),
    index("soniq_jobs_finished")
      .on(t.finishedAt)
      .where(sql`finished_at is not null`),
    index("soniq_jobs_expiring")
      .on(t.expiresAt)
      .where(sql`state = 'queued' and expires_at is not null`),
    index("soniq_jobs_delivery")
      // Both as SQL: of an index with an expression, `drizzle-kit push` takes each column for one, and would make it anew each time.
      .on(sql`(payload ->> 'endpoint')`, sql`id`)
      .where(sql`name = 'soniq.webhook'`),
    check("soniq_jobs_state_check", sql`state in ('queued', 'active', 'completed', 'cancelled', 'dead')`),
    check("soniq_jobs_priority_check", sql`priority between 0 and 9`),
    check("soniq_jobs_unique_until_check", sql`unique_until in ('started', 'finished')`),
  ],
);
