import { bigint, jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core";

/** What people changed by the dashboard, or were refused to. */
export const soniqAudit = pgTable("soniq_audit", {
  id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
  at: timestamp("at", { withTimezone: true }).notNull().defaultNow(),
  /** Who, as the dashboard's `authorize` named them. */
  actor: text("actor").notNull(),
  /** Such as `queue.pause`. */
  action: text("action").notNull(),
  /** Which queue, job, schedule, endpoint or delivery; null for many dead letters. */
  target: text("target"),
  /** What was said beside that: a reason, or which dead letters. */
  detail: jsonb("detail").notNull().default({}),
  /** What became of it. */
  outcome: text("outcome").notNull(),
});
