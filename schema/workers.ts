import { integer, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

/**
 * The worker sessions. A worker gets a new row with a new id at each start and re-registration; an ended session is never
 * revived.
 */
export const soniqWorkers = pgTable("soniq_workers", {
  id: uuid("id").primaryKey().defaultRandom(),
  host: text("host").notNull().default("unknown"),
  pid: integer("pid"),
  version: text("version").notNull().default("unknown"),
  /**
   * A digest of its job definitions and handlers. Sessions with different digests run different versions of the application's
   * code.
   */
  code: text("code"),
  /** PostgreSQL's timeline when the session began. A promoted standby starts a new timeline. */
  timeline: text("timeline"),
  /** The concurrency by queue. */
  queues: jsonb("queues").notNull().default({}),
  /** The queues in which it waits for jobs. An enqueue into one of them rings. */
  idleQueues: jsonb("idle_queues").notNull().default([]),
  /** The schedules that its code defines: the hashes of the definitions by name. */
  schedules: jsonb("schedules").notNull().default({}),
  startedAt: timestamp("started_at", { withTimezone: true }).notNull().defaultNow(),
  beatAt: timestamp("beat_at", { withTimezone: true }).notNull().defaultNow(),
  leaseExpiresAt: timestamp("lease_expires_at", { withTimezone: true }).notNull().defaultNow(),
  /** When it stopped or was found dead. From then on, its jobs are rescued. */
  endedAt: timestamp("ended_at", { withTimezone: true }),
});
