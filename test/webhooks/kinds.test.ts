// Jobs, events and schedules are defined in one module: each is taken for what it is.
import * as v from "valibot";
import { expect, test } from "vitest";
import {
  createWorker,
  defineConfig,
  defineJob,
  defineSchedule,
  enqueue,
  enqueueMany,
  SoniqError,
} from "../../src/index.ts";
import { publishEvent, defineEvent, jobDead, registerEndpoint } from "../../src/webhooks.ts";
import { testDatabase } from "../support/database.ts";

const { db, url } = await testDatabase();

const payload = v.object({ orderId: v.number() });
const sendInvoice = defineJob({ name: "send-invoice", payload });
const orderPaid = defineEvent({ name: "order.paid", payload });
const nightly = defineSchedule({ name: "nightly", cron: "@daily", job: sendInvoice, payload: { orderId: 1 } });
const order = { orderId: 1 };

test("a configuration asks for handlers of jobs alone", () => {
  const jobs = { sendInvoice, orderPaid, nightly, jobDead, vacancy: { kind: "job", name: "engineer", payload: 3 } };
  const config = defineConfig({ connection: url, jobs, handlers: { sendInvoice: () => {} } });
  expect(() => createWorker(config)).not.toThrow();
});

test("a handler of an event is refused", () => {
  const config = { connection: url, jobs: { orderPaid }, handlers: { orderPaid: () => {} } };
  expect(() => createWorker(config)).toThrow("handlers.orderPaid has no job definition");
});

test.each<[string, () => Promise<unknown>, string]>([
  ["enqueue", () => enqueue(db, orderPaid as never, order as never), "job is the event order.paid: pass it to publish"],
  ["enqueueMany", () => enqueueMany(db, orderPaid as never, [order as never]), "job is the event order.paid"],
  [
    "enqueue, of a schedule",
    () => enqueue(db, nightly as never, order as never),
    "job is an Object: pass what defineJob",
  ],
  [
    "publish",
    () => publishEvent(db, sendInvoice as never, order as never),
    "event is the job send-invoice: pass it to enqueue",
  ],
  [
    "publish, of a schedule",
    () => publishEvent(db, nightly as never, order as never),
    "event is an Object: pass what defineEvent",
  ],
])("%s refuses what is of another kind", async (_, call, problem) => {
  const refused: unknown = await call().catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(SoniqError);
  expect((refused as Error).message).toContain(problem);
});

test("so do schedules and endpoints", async () => {
  const schedule = { name: "hourly", cron: "@hourly", job: orderPaid as never, payload: order as never };
  expect(() => defineSchedule(schedule)).toThrow("job is the event order.paid");
  const webhooks = { keys: [Buffer.alloc(32).toString("base64")] };
  const endpoint = { allTenants: true, url: "https://example.com", events: [sendInvoice as never] } as const;
  await expect(registerEndpoint(db, webhooks, endpoint)).rejects.toThrow("events[0] is the job send-invoice");
});
