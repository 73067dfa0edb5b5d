import { pgTable, text, timestamp } from "drizzle-orm/pg-core";

/** What is known of a queue beyond its jobs; a queue needs no row to work. */
export const soniqQueues = pgTable("soniq_queues", {
  name: text("name").primaryKey(),
  /** Nothing is claimed from a paused queue. */
  pausedAt: timestamp("paused_at", { withTimezone: true }),
});
