import { defineConfig } from "soniq-drizzle";
import { DATABASE_URL } from "./environment.ts";
import * as jobs from "./jobs.ts";
import { sendInvoiceHandler } from "./send-invoice.ts";

export default defineConfig({
  connection: DATABASE_URL,
  jobs,
  handlers: { sendInvoice: sendInvoiceHandler },
  queues: { billing: { concurrency: 10 } },
});
