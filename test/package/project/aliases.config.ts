import * as jobs from "@/jobs.js";
import { orders } from "@/schema.js";
import { drizzle } from "drizzle-orm/node-postgres";
import { defineConfig } from "soniq-drizzle";
import { nodePostgres } from "soniq-drizzle/node-postgres";

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  database: nodePostgres((pool) => drizzle({ client: pool })),
  jobs,
  handlers: {
    sendInvoice: ({ orderId, driver }, job) =>
      job.transaction(async (tx) => {
        await tx.insert(orders).values({ driver: "written by its job" });
        return { messageId: `${driver} ${orderId}, by aliases` };
      }),
  },
});
