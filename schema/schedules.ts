import { sql } from "drizzle-orm";
import { bigint, check, index, jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core";

/** A schedule and its next tick. */
export const soniqSchedules = pgTable(
  "soniq_schedules",
  {
    name: text("name").primaryKey(),
    /** A cron expression, or null where `everyMs` says it. */
    cron: text("cron"),
    everyMs: bigint("every_ms", { mode: "number" }),
    timeZone: text("time_zone").notNull().default("UTC"),
    jobName: text("job_name").notNull(),
    payload: jsonb("payload").notNull().default({}),
    /** Queue, priority and the like for the jobs it enqueues. */
    options: jsonb("options").notNull().default({}),
    missed: text("missed", { enum: ["once", "skip", "all"] })
      .notNull()
      .default("once"),
    overlap: text("overlap", { enum: ["skip", "allow"] })
      .notNull()
      .default("skip"),
    /** Each tick's job is due up to so much later, at random. */
    jitterMs: bigint("jitter_ms", { mode: "number" }).notNull().default(0),
    /** The hash of the definition in force. */
    definition: text("definition").notNull().default("none"),
    /** When each definition of this name, by its hash, was first seen: between versions of the code, the newest counts. */
    definitions: jsonb("definitions").notNull().default({}),
    /** Ticks fired so far: what firing compares and swaps. */
    ticks: bigint("ticks", { mode: "number" }).notNull().default(0),
    nextRunAt: timestamp("next_run_at", { withTimezone: true }).notNull().defaultNow(),
    lastTickAt: timestamp("last_tick_at", { withTimezone: true }),
    lastJobId: bigint("last_job_id", { mode: "number" }),
    pausedAt: timestamp("paused_at", { withTimezone: true }),
    /** Its definition is gone from the code: it fires no more. */
    orphanedAt: timestamp("orphaned_at", { withTimezone: true }),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
    updatedAt: timestamp("updated_at", { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [
    index("soniq_schedules_next")
      .on(t.nextRunAt)
      .where(sql`paused_at is null and orphaned_at is null`),
    check("soniq_schedules_missed_check", sql`missed in ('once', 'skip', 'all')`),
    check("soniq_schedules_overlap_check", sql`overlap in ('skip', 'allow')`),
  ],
);
