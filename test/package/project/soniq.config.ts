import { defineConfig } from "soniq-drizzle";
import * as jobs from "./jobs.js";

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  jobs,
  handlers: {
    sendInvoice: async ({ orderId, driver }) => ({ messageId: `${driver} ${orderId}` }),
  },
});
