import { bigint, jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core";

/** The audit log of the dashboard: every change, every reveal of hidden values, and every refused attempt. */
export const soniqAudit = pgTable("soniq_audit", {
  id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
  at: timestamp("at", { withTimezone: true }).notNull().defaultNow(),
  /** The name of the person, from the dashboard's `authorize`. */
  actor: text("actor").notNull(),
  /** The action, such as `queue.pause`. */
  action: text("action").notNull(),
  /** The queue, job, schedule, endpoint or delivery; null for an action on many dead letters. */
  target: text("target"),
  /** Further input, such as the reason, or the filter of the dead letters. */
  detail: jsonb("detail").notNull().default({}),
  /** The result of the action. */
  outcome: text("outcome").notNull(),
});
