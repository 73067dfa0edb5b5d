import { defineJob } from "soniq-drizzle";
import * as v from "valibot";

/** Mails the invoice of an order. */
export const sendInvoice = defineJob({
  name: "send-invoice",
  payload: v.strictObject({ orderId: v.number() }),
  result: v.strictObject({ messageId: v.string(), file: v.string(), pages: v.number() }),
  queue: "billing",
  timeout: "30s",
  // Short, for a demo: the default backoff reaches minutes.
  backoff: (attempt) => Math.min(100 * 2 ** attempt, 2_000),
});
