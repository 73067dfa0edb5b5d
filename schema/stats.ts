import { bigint, pgTable, primaryKey, smallint, text, timestamp } from "drizzle-orm/pg-core";

/** Counters by minute, queue and job name, so that charts need not count jobs. */
export const soniqStats = pgTable(
  "soniq_stats",
  {
    minute: timestamp("minute", { withTimezone: true }).notNull(),
    queue: text("queue").notNull(),
    name: text("name").notNull(),
    /** An outcome (`completed`, `retried`, …), or `run` or `wait` for a histogram of milliseconds. */
    measure: text("measure").notNull(),
    /** The bucket of the histogram; 0 for an outcome. */
    bucket: smallint("bucket").notNull().default(0),
    count: bigint("count", { mode: "number" }).notNull().default(0),
  },
  (t) => [primaryKey({ name: "soniq_stats_pkey", columns: [t.minute, t.queue, t.name, t.measure, t.bucket] })],
);
