import * as jobs from "@/jobs.js";
import { defineConfig } from "soniq-drizzle";

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  jobs,
  handlers: {
    sendInvoice: async ({ orderId, driver }) => ({ messageId: `${driver} ${orderId}, by aliases` }),
  },
});
