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
 * The jobs. One row represents a job for its whole life: `queued → active → completed | cancelled | dead`.
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
    /**
     * The job does not run before this time. The default is the clock's time, not the transaction's start: claims would skip a
     * backdated job, because their position may already be past it.
     */
    runAt: timestamp("run_at", { withTimezone: true })
      .notNull()
      .default(sql`clock_timestamp()`),

    /** How often the job was claimed. It never decreases. */
    claims: integer("claims").notNull().default(0),
    /**
     * The number of the claim statement, within its worker session, that claimed the job. With `id` and `worker_id`, it identifies one
     * claim: the fence. The worker keeps the count, so it never goes back, as `id` and `claims` do in a failover that loses commits.
     */
    claimToken: integer("claim_token").notNull().default(0),
    /** The number of the attempt. It increases by one with each claim, and decreases by one when the job is released. */
    attempt: integer("attempt").notNull().default(0),
    maxAttempts: integer("max_attempts").notNull().default(10),
    /**
     * How often, since an attempt last ended normally, the job was rescued from a dead worker or its transaction lost its
     * connection.
     */
    crashes: integer("crashes").notNull().default(0),

    /** The worker session that holds the claim. It is null unless the job is active, so a claim can be settled only once. */
    workerId: uuid("worker_id"),
    lastWorkerId: uuid("last_worker_id"),
    /** The job is cancelled if no attempt has started by this time. */
    expiresAt: timestamp("expires_at", { withTimezone: true }),
    /** After this time, an active job is rescued even if its worker is live. */
    deadlineAt: timestamp("deadline_at", { withTimezone: true }),
    cancelRequestedAt: timestamp("cancel_requested_at", { withTimezone: true }),
    /** When the job was first claimed by a worker whose code does not define its name, or rejects its payload. */
    unknownSince: timestamp("unknown_since", { withTimezone: true }),

    /** The unique key. The column keeps it when the key is freed; at most one job holds a key at a time. */
    uniqueKey: text("unique_key"),
    uniqueHeld: boolean("unique_held").notNull().default(true),
    /** When the key is freed: when the job starts, or when it finishes. */
    uniqueUntil: text("unique_until", { enum: ["started", "finished"] })
      .notNull()
      .default("finished"),
    uniqueExpiresAt: timestamp("unique_expires_at", { withTimezone: true }),

    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
    claimedAt: timestamp("claimed_at", { withTimezone: true }),
    finishedAt: timestamp("finished_at", { withTimezone: true }),

    result: jsonb("result"),
    progress: jsonb("progress"),
    /** The last failures, newest last, each with its attempt and worker session. */
    errors: jsonb("errors").notNull().default([]),
    logs: jsonb("logs").notNull().default([]),
    /** The reason why the job was cancelled or died. */
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
      // Both parts are SQL: if an index contains an expression, `drizzle-kit push` mistakes its plain columns for expressions,
      // and would recreate the index each time.
      .on(sql`(payload ->> 'endpoint')`, sql`id`)
      .where(sql`name = 'soniq.webhook'`),
    check("soniq_jobs_state_check", sql`state in ('queued', 'active', 'completed', 'cancelled', 'dead')`),
    check("soniq_jobs_priority_check", sql`priority between 0 and 9`),
    check("soniq_jobs_unique_until_check", sql`unique_until in ('started', 'finished')`),
  ],
);
