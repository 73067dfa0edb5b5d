import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  index,
  integer,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
} from "drizzle-orm/pg-core";
import { soniqJobs } from "soniq-drizzle/schema";

// The job tables are part of this schema: drizzle-kit migrates them together with the shop's own.
export * from "soniq-drizzle/schema";

export const customers = pgTable(
  "customers",
  {
    id: integer("id").primaryKey().generatedAlwaysAsIdentity(),
    name: text("name").notNull(),
    email: text("email").notNull(),
  },
  (t) => [unique().on(t.email, t.name)],
);

export const orders = pgTable(
  "orders",
  {
    id: integer("id").primaryKey().generatedAlwaysAsIdentity(),
    number: text("number").notNull().unique(),
    customerId: integer("customer_id")
      .notNull()
      .references(() => customers.id),
    currency: text("currency").notNull(),
    placedAt: timestamp("placed_at", { withTimezone: true }).notNull().defaultNow(),
    /** The job that sends the invoice; null once that job has been pruned. */
    invoiceJobId: bigint("invoice_job_id", { mode: "number" }).references(() => soniqJobs.id, { onDelete: "set null" }),
  },
  (t) => [
    index().on(t.customerId),
    // Without this index, each pruned job scans all orders for references to it.
    index().on(t.invoiceJobId),
  ],
);

export const orderLines = pgTable(
  "order_lines",
  {
    orderId: integer("order_id")
      .notNull()
      .references(() => orders.id, { onDelete: "cascade" }),
    position: integer("position").notNull(),
    item: text("item").notNull(),
    quantity: integer("quantity").notNull(),
    /** In the order's currency; some currencies have four decimals. */
    unitPrice: numeric("unit_price", { precision: 12, scale: 4 }).notNull(),
    amount: numeric("amount", { precision: 18, scale: 4 })
      .notNull()
      .generatedAlwaysAs(sql`quantity * unit_price`),
  },
  (t) => [
    primaryKey({ columns: [t.orderId, t.position] }),
    check("order_lines_quantity_check", sql`quantity > 0`),
    check("order_lines_unit_price_check", sql`unit_price >= 0`),
  ],
);
