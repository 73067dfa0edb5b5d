import { pgTable, text, timestamp } from "drizzle-orm/pg-core";

/** The settings of queues. A queue works without a row. */
export const soniqQueues = pgTable("soniq_queues", {
  name: text("name").primaryKey(),
  /** When the queue was paused. Workers claim no jobs from a paused queue. */
  pausedAt: timestamp("paused_at", { withTimezone: true }),
});
