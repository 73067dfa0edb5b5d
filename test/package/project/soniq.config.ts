import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import { defineConfig, postgresJs } from "soniq-drizzle";
import * as jobs from "./jobs.js";
import { orders } from "./schema.js";

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  database: postgresJs((client) => drizzle({ client })),
  jobs,
  handlers: {
    sendInvoice: ({ orderId }, job) =>
      job.transaction(async (tx) => {
        const [order] = await tx.select({ driver: orders.driver }).from(orders).where(eq(orders.id, orderId));
        return { messageId: `${order?.driver} ${orderId}` };
      }),
  },
});
