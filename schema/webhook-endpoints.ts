import { index, integer, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

/** The receivers of webhooks, each with the state of its breaker. Deliveries are jobs. */
export const soniqWebhookEndpoints = pgTable(
  "soniq_webhook_endpoints",
  {
    id: uuid("id").primaryKey().defaultRandom(),
    url: text("url").notNull(),
    description: text("description"),
    /** The customer whose events it receives; null for all customers. */
    tenant: text("tenant"),
    /** The names of the subscribed events; empty for all events. */
    events: jsonb("events").notNull().default([]),
    /** The encrypted signing secrets, newest first, each with its key's id and, once it is rotated out, its expiry. */
    secrets: jsonb("secrets").notNull().default([]),
    headers: jsonb("headers").notNull().default({}),
    pausedAt: timestamp("paused_at", { withTimezone: true }),
    /** The reason if nobody paused it by hand: the receiver answered that it no longer exists. */
    pausedReason: text("paused_reason"),
    /** The number of consecutive failed deliveries. */
    failures: integer("failures").notNull().default(0),
    /** The breaker is open until this time, and deliveries are parked. */
    openUntil: timestamp("open_until", { withTimezone: true }),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
    updatedAt: timestamp("updated_at", { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [index("soniq_webhook_endpoints_tenant").on(t.tenant)],
);
