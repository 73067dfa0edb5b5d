import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import { defineConfig, postgresJs } from "soniq-drizzle";
import * as jobs from "./jobs.js";
import { soniqJobs } from "./schema.js";

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  database: postgresJs((client) => drizzle({ client })),
  jobs,
  handlers: {
    sendInvoice: ({ orderId, driver }, job) =>
      job.transaction(async (tx) => {
        const [itself] = await tx.select({ state: soniqJobs.state }).from(soniqJobs).where(eq(soniqJobs.id, job.id));
        if (itself?.state !== "active") throw new Error(`the job is ${itself?.state}`);
        return { messageId: `${driver} ${orderId}` };
      }),
  },
});
