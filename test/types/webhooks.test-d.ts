// Events, typed from those who publish them to those who receive them.
import * as v from "valibot";
import type { Queryable } from "../../src/index.ts";
import { defineConfig } from "../../src/index.ts";
import {
  publishEvent,
  defineEvent,
  jobDead,
  type ReceivedWebhook,
  registerEndpoint,
  verifyWebhook,
  type WebhookConfig,
} from "../../src/webhooks.ts";
import { equal } from "./equal.ts";

declare const db: Queryable;
declare const request: Request;

const orderPaid = defineEvent({
  name: "order.paid",
  payload: v.object({
    orderId: v.number(),
    at: v.pipe(
      v.string(),
      v.transform((text) => new Date(text)),
    ),
  }),
});
const orderLost = defineEvent({ name: "order.lost", payload: v.object({ orderId: v.number() }) });

// What is published is what the validator takes.
await publishEvent(db, orderPaid, { orderId: 1, at: "2026-01-01" });
// @ts-expect-error -- a Date is what it makes of it
await publishEvent(db, orderPaid, { orderId: 1, at: new Date() });
// @ts-expect-error -- no time
await publishEvent(db, orderPaid, { orderId: 1 });
// @ts-expect-error -- JSON cannot carry it
defineEvent({ name: "order.x", payload: v.object({ at: v.date() }) });

// What is received is what the validator makes of it, told apart by its type.
const received = await verifyWebhook(request, "whsec_x", [orderPaid, orderLost, jobDead]);
equal<(typeof received)["type"], "order.paid" | "order.lost" | "job.dead">(true);
if (received.type === "order.paid") equal<(typeof received)["data"], { orderId: number; at: Date }>(true);
if (received.type === "job.dead") equal<(typeof received)["data"]["error"], string | null>(true);
equal<
  Awaited<ReturnType<typeof verifyWebhook<readonly [typeof orderLost]>>>,
  ReceivedWebhook<"order.lost", { orderId: number }>
>(true);

// One value for workers and for those who register; a key from the environment may be missing, which is said at start.
const webhooks: WebhookConfig = { keys: [process.env["WEBHOOK_KEY"]], allow: ["10.0.0.0/8"], timeout: "5s" };
defineConfig({ connection: "postgres://localhost/db", jobs: {}, handlers: {}, webhooks });
await registerEndpoint(db, webhooks, {
  allTenants: true,
  url: "https://example.com",
  events: [orderPaid, "order.lost"],
});
// @ts-expect-error -- no such setting
defineConfig({ connection: "postgres://localhost/db", jobs: {}, handlers: {}, webhooks: { keys: [], retries: 3 } });
