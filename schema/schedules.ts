import { sql } from "drizzle-orm";
import { bigint, check, index, jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core";

/** The schedules, each with its next tick. */
export const soniqSchedules = pgTable(
  "soniq_schedules",
  {
    name: text("name").primaryKey(),
    /** A cron expression; null if `everyMs` is set. */
    cron: text("cron"),
    everyMs: bigint("every_ms", { mode: "number" }),
    timeZone: text("time_zone").notNull().default("UTC"),
    jobName: text("job_name").notNull(),
    payload: jsonb("payload").notNull().default({}),
    /** The options of the jobs that it enqueues, such as queue and priority. */
    options: jsonb("options").notNull().default({}),
    missed: text("missed", { enum: ["once", "skip", "all"] })
      .notNull()
      .default("once"),
    overlap: text("overlap", { enum: ["skip", "allow"] })
      .notNull()
      .default("skip"),
    /** The maximum random delay that is added to each tick's job. */
    jitterMs: bigint("jitter_ms", { mode: "number" }).notNull().default(0),
    /** The hash of the current definition. */
    definition: text("definition").notNull().default("none"),
    /**
     * By hash, when each definition of this name was first seen. If versions of the code differ, the newest definition wins.
     */
    definitions: jsonb("definitions").notNull().default({}),
    /** The number of fired ticks. A tick is fired by compare-and-swap on this count. */
    ticks: bigint("ticks", { mode: "number" }).notNull().default(0),
    nextRunAt: timestamp("next_run_at", { withTimezone: true }).notNull().defaultNow(),
    lastTickAt: timestamp("last_tick_at", { withTimezone: true }),
    lastJobId: bigint("last_job_id", { mode: "number" }),
    pausedAt: timestamp("paused_at", { withTimezone: true }),
    /** When its definition was found to be missing from the code. It does not fire any more. */
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
