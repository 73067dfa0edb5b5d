import { defineJob } from "soniq-drizzle";
import * as v from "valibot";

export const sendInvoice = defineJob({
  name: "send-invoice",
  payload: v.strictObject({ orderId: v.number(), driver: v.string() }),
  result: v.strictObject({ messageId: v.string() }),
  queue: "billing",
});
