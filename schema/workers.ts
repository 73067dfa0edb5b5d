import { integer, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

/** One row per worker session: a fresh id at each start and each re-registration, never revived once ended. */
export const soniqWorkers = pgTable("soniq_workers", {
  id: uuid("id").primaryKey().defaultRandom(),
  host: text("host").notNull().default("unknown"),
  pid: integer("pid"),
  version: text("version").notNull().default("unknown"),
  /** A digest of its job definitions and handlers: sessions with another one run another version of the application's code. */
  code: text("code"),
  /** PostgreSQL's timeline on which it began: a standby that is promoted begins another one. */
  timeline: text("timeline"),
  /** Concurrency by queue. */
  queues: jsonb("queues").notNull().default({}),
  /** Queues in which it waits for work: who enqueues there rings its bell. */
  idleQueues: jsonb("idle_queues").notNull().default([]),
  /** The schedules that its code defines: the definitions' hashes by name. */
  schedules: jsonb("schedules").notNull().default({}),
  startedAt: timestamp("started_at", { withTimezone: true }).notNull().defaultNow(),
  beatAt: timestamp("beat_at", { withTimezone: true }).notNull().defaultNow(),
  leaseExpiresAt: timestamp("lease_expires_at", { withTimezone: true }).notNull().defaultNow(),
  /** Set when it stopped or was found dead; its jobs are rescued from then on. */
  endedAt: timestamp("ended_at", { withTimezone: true }),
});
