import { index, integer, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

/** A receiver of webhooks, and the state of its breaker. Its deliveries are jobs. */
export const soniqWebhookEndpoints = pgTable(
  "soniq_webhook_endpoints",
  {
    id: uuid("id").primaryKey().defaultRandom(),
    url: text("url").notNull(),
    description: text("description"),
    /** The customer whose events it gets; null for those of all. */
    tenant: text("tenant"),
    /** Names of the events it asks for; empty for all. */
    events: jsonb("events").notNull().default([]),
    /** Encrypted signing secrets, newest first, each with its key's id and, when rotated out, an expiry. */
    secrets: jsonb("secrets").notNull().default([]),
    headers: jsonb("headers").notNull().default({}),
    pausedAt: timestamp("paused_at", { withTimezone: true }),
    /** Why, where nobody paused it: the receiver said that it is gone. */
    pausedReason: text("paused_reason"),
    /** Deliveries that failed in a row. */
    failures: integer("failures").notNull().default(0),
    /** The breaker is open until then: its deliveries are parked. */
    openUntil: timestamp("open_until", { withTimezone: true }),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
    updatedAt: timestamp("updated_at", { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [index("soniq_webhook_endpoints_tenant").on(t.tenant)],
);
