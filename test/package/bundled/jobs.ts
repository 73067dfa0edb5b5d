import { defineJob } from "soniq-drizzle";
import * as v from "valibot";

export const sendInvoice = defineJob({
  name: "send-invoice",
  payload: v.strictObject({ orderId: v.number() }),
  result: v.string(),
});
