// Definitions of jobs, events and schedules stand in one module, and none passes for another.
import * as v from "valibot";
import {
  defineConfig,
  defineJob,
  defineSchedule,
  enqueue,
  enqueueMany,
  getJob,
  defineHandler,
  type Queryable,
} from "../../src/index.ts";
import { expectEnqueued } from "../../src/testing.ts";
import { publishEvent, defineEvent, registerEndpoint, verifyWebhook } from "../../src/webhooks.ts";

declare const db: Queryable;
declare const request: Request;

const sendInvoice = defineJob({ name: "send-invoice", payload: v.object({ orderId: v.number() }) });
const orderPaid = defineEvent({ name: "order.paid", payload: v.object({ orderId: v.number() }) });
const nightly = defineSchedule({ name: "nightly", cron: "@daily", job: sendInvoice, payload: { orderId: 1 } });

// @ts-expect-error -- an event
await enqueue(db, orderPaid, { orderId: 1 });
// @ts-expect-error -- an event
await enqueueMany(db, orderPaid, [{ orderId: 1 }]);
// @ts-expect-error -- a schedule
await enqueue(db, nightly, { orderId: 1 });
// @ts-expect-error -- an event
await getJob(db, orderPaid, 1);
// @ts-expect-error -- an event
await expectEnqueued(db, orderPaid);
// @ts-expect-error -- an event
defineHandler(orderPaid, () => {});
// @ts-expect-error -- an event
defineSchedule({ name: "hourly", cron: "@hourly", job: orderPaid, payload: { orderId: 1 } });
const jobs = { sendInvoice, orderPaid };
// @ts-expect-error -- an event has no handler
defineConfig({ connection: "", jobs, handlers: { sendInvoice: () => {}, orderPaid: () => {} } });

// @ts-expect-error -- a job
await publishEvent(db, sendInvoice, { orderId: 1 });
// @ts-expect-error -- a job
await registerEndpoint(db, { keys: [] }, { url: "https://example.com", events: [sendInvoice] });
// @ts-expect-error -- a job
await verifyWebhook(request, "whsec_x", [sendInvoice]);
