import { bigint, index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { soniqJobs } from "soniq-drizzle/schema";

export * from "soniq-drizzle/schema";

/** The application's own, which have nothing to do with the queue's. */
export const jobs = pgTable("jobs", {
  id: integer("id").primaryKey().generatedAlwaysAsIdentity(),
  title: text("title").notNull(),
});

export const orders = pgTable(
  "orders",
  {
    id: integer("id").primaryKey().generatedAlwaysAsIdentity(),
    driver: text("driver").notNull(),
    invoiceJobId: bigint("invoice_job_id", { mode: "number" }).references(() => soniqJobs.id, { onDelete: "set null" }),
  },
  (t) => [index("orders_invoice_job").on(t.invoiceJobId)],
);
