// From an announcement to a receiver, and what is kept of it.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import {
  publishEvent,
  defineEvent,
  listDeliveries,
  listEndpoints,
  type NewEndpoint,
  registerEndpoint,
  resendDelivery,
  rotateSecret,
  verifyWebhook,
} from "../../src/webhooks.ts";
import type { WorkerConfig } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { type Receiver, startReceiver, webhooks } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const receiver = await startReceiver();

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
const orderShipped = defineEvent({ name: "order.shipped", payload: v.object({ orderId: v.number() }) });
const paid = { orderId: 1, at: "2026-01-02T03:04:05.000Z" };

beforeEach(async () => {
  await sql`truncate soniq_jobs, soniq_webhook_endpoints`;
  (receiver.received as unknown[]).length = 0;
  receiver.says = { status: 204 };
});

const work = (more: Partial<WorkerConfig> = {}) =>
  startWorker({ connection: url, jobs: {}, handlers: {}, webhooks, pollInterval: "50ms", ...more });

/** An endpoint at the receiver. */
const register = (
  more: Partial<Pick<NewEndpoint, "url" | "events" | "headers" | "description">> = {},
  at: Receiver = receiver,
) => registerEndpoint(db, webhooks, { allTenants: true, events: "all", url: at.url, ...more });

/** Publishes, and has a worker send it once. */
async function delivered(id?: number) {
  const { deliveries } = id === undefined ? await publishEvent(db, orderPaid, paid) : { deliveries: [id] };
  const [delivery] = deliveries as [number];
  const worker = await work();
  const { outcome } = await worker.settled(delivery);
  await worker.worker.stop();
  return { id: delivery, outcome, job: await jobRow(db, delivery) };
}

/** When it is tried again, in seconds from now. */
async function secondsUntilRetry(id: number): Promise<number> {
  const [row] = await sql<
    [{ s: number }]
  >`select extract(epoch from run_at - now())::float8 as s from soniq_jobs where id = ${id}`;
  return row.s;
}

describe("an event that is published", () => {
  test("is delivered to each endpoint that asks for it or for all, signed, and is what the receiver parses", async () => {
    const all = await register();
    const named = await register({ events: [orderPaid, "order.refunded"] });
    await register({ events: [orderShipped] });
    const { id, deliveries } = await publishEvent(db, orderPaid, paid);
    expect(deliveries).toHaveLength(2);
    await work();
    await until(async () => receiver.received.length === 2);
    for (const request of receiver.received) {
      const webhook = await verifyWebhook(request, [all.secret, named.secret], [orderShipped, orderPaid]);
      expect(webhook).toEqual({
        id,
        type: "order.paid",
        timestamp: expect.any(Date),
        data: { orderId: 1, at: new Date(paid.at) },
      });
      expect(JSON.parse(request.body)).toMatchObject({ type: "order.paid", data: paid });
      expect(request.raw).toMatchObject({
        "content-type": "application/json",
        "user-agent": expect.stringMatching(/^soniq-drizzle\//),
      });
    }
  });

  test("is delivered if and only if its transaction commits", async () => {
    await register();
    const rolledBack = db.transaction(async (tx) => {
      await publishEvent(tx, orderPaid, { ...paid, orderId: 2 });
      throw new Error("rolled back");
    });
    await expect(rolledBack).rejects.toThrow("rolled back");
    await db.transaction((tx) => publishEvent(tx, orderPaid, { ...paid, orderId: 3 }));
    await work();
    await until(async () => receiver.received.length > 0);
    expect(receiver.received.map(({ body }) => JSON.parse(body).data.orderId)).toEqual([3]);
  });

  test("that nobody asks for is delivered to nobody", async () => {
    await register({ events: [orderShipped] });
    expect(await publishEvent(db, orderPaid, paid)).toMatchObject({ deliveries: [] });
  });

  test("must be what its validator asks for: else nothing is written", async () => {
    await register();
    const wrong = publishEvent(db, orderPaid, { orderId: "1" } as never);
    await expect(wrong).rejects.toThrow(/^event order\.paid: payload\.orderId is not valid/);
    await expect(publishEvent(db, orderShipped, { orderId: NaN })).rejects.toThrow("payload.orderId is NaN");
    expect(await sql`select from soniq_jobs`).toHaveLength(0);
  });

  test("wakes an idle worker up", async () => {
    await register();
    await work({ pollInterval: "1h" });
    await until(async () => (await sql`select from soniq_workers where idle_queues @> '"webhooks"'`).length > 0);
    const { id } = await publishEvent(db, orderPaid, paid);
    await until(async () => receiver.received.length === 1);
    expect(receiver.received[0]?.id).toBe(id);
  });
});

test("an endpoint's own headers are sent along", async () => {
  await register({ headers: { authorization: "Bearer 7", "x-shop": "1" } });
  await delivered();
  expect(receiver.received[0]?.raw).toMatchObject({ authorization: "Bearer 7", "x-shop": "1" });
});

test("while a secret is rotated both sign; after that the new one alone, and at once where there is no overlap", async () => {
  const { id, secret: first } = await register();
  const { secret: second } = await rotateSecret(db, webhooks, id);
  const verifiedBy = async () => {
    await delivered();
    const request = receiver.received.at(-1) as Receiver["received"][number];
    const verify = (secret: string) =>
      verifyWebhook(request, secret, [orderPaid]).then(
        () => true,
        () => false,
      );
    return Promise.all([first, second].map(verify));
  };
  expect(await verifiedBy()).toEqual([true, true]);
  await sql`update soniq_webhook_endpoints set secrets = jsonb_set(secrets, '{1,expiresAt}', to_jsonb(now() - interval '1 second'))`;
  expect(await verifiedBy()).toEqual([false, true]);
  const { secret: third } = await rotateSecret(db, webhooks, id, { overlap: 0 });
  expect(await verifiedBy()).toEqual([false, false]);
  await expect(verifyWebhook(receiver.received.at(-1) as never, third, [orderPaid])).resolves.toBeDefined();
});

describe("what a receiver answers", () => {
  test("is kept with the delivery: status, duration and the beginning of the body, without what cannot be stored", async () => {
    const { id: endpoint } = await register();
    receiver.says = { status: 202, body: `thanks\0${"!".repeat(5_000)}` };
    const { id } = await delivered();
    const [delivery] = (await listDeliveries(db, endpoint)).deliveries;
    expect(delivery).toMatchObject({
      id,
      event: "order.paid",
      state: "completed",
      attempt: 1,
      failures: [],
      nextAt: null,
    });
    expect(delivery?.answer).toMatchObject({ status: 202, durationMs: expect.any(Number) });
    expect(delivery?.answer?.excerpt).toMatch(/^thanks\u{fffd}!+$/u);
    expect(delivery?.answer?.excerpt.length).toBeLessThanOrEqual(1_024);
  });

  test.each([301, 302, 307, 308, 400, 404, 429, 500, 503])(
    "with %i is a failure, and is tried again",
    async (status) => {
      const { id: endpoint } = await register();
      receiver.says = { status, body: "no", headers: { location: `${receiver.url}/elsewhere` } };
      const { id, job } = await delivered();
      expect(job).toMatchObject({ state: "queued", attempt: 1 });
      const [delivery] = (await listDeliveries(db, endpoint)).deliveries;
      expect(delivery?.failures).toEqual([
        expect.objectContaining({
          attempt: 1,
          status,
          excerpt: "no",
          message: `the receiver answered ${status}: no`,
          durationMs: expect.any(Number),
        }),
      ]);
      expect(await secondsUntilRetry(id)).toBeGreaterThan(1);
      expect(await secondsUntilRetry(id)).toBeLessThan(6.1);
      expect(receiver.received).toHaveLength(1);
    },
  );

  test("may say when to try again, in seconds or as a date, but not sooner than it would be nor later than in a day", async () => {
    await register();
    const waited = async (retryAfter: string) => {
      receiver.says = { status: 503, headers: { "retry-after": retryAfter } };
      return secondsUntilRetry((await delivered()).id);
    };
    expect(Math.round((await waited("600")) / 10)).toBe(60);
    expect(Math.round((await waited(new Date(Date.now() + 600_000).toUTCString())) / 10)).toBe(60);
    expect(await waited("0")).toBeGreaterThan(1);
    expect(await waited("soon")).toBeGreaterThan(1);
    expect(Math.round((await waited("99999999")) / 3_600)).toBe(24);
  });

  test("with 410 pauses the endpoint, and gives the delivery up", async () => {
    const { id: endpoint } = await register();
    receiver.says = { status: 410 };
    const { job } = await delivered();
    expect(job).toMatchObject({ state: "dead", reason: "discarded: the receiver answered 410" });
    expect(await sql`select id, paused_reason from soniq_webhook_endpoints where paused_at is not null`).toEqual([
      { id: endpoint, paused_reason: "the receiver answered 410 Gone" },
    ]);
    expect((await listDeliveries(db, endpoint)).deliveries[0]?.failures).toEqual([
      expect.objectContaining({ status: 410 }),
    ]);
  });
});

test("a receiver that does not answer in time has failed", async () => {
  await register();
  receiver.says = "never";
  const [id] = (await publishEvent(db, orderPaid, paid)).deliveries as [number];
  const worker = await work({ webhooks: { ...webhooks, timeout: "100ms" } });
  await worker.settled(id, "queued");
  expect((await jobRow(db, id))?.errors).toEqual([
    expect.objectContaining({
      message: "not delivered: no answer within 100 ms",
      details: { durationMs: expect.any(Number) },
    }),
  ]);
});

test("a receiver that took it has it, whether or not it ends its answer in time", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbeginning"));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  await register({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
  const [id] = (await publishEvent(db, orderPaid, paid)).deliveries as [number];
  const worker = await work({ webhooks: { ...webhooks, timeout: "300ms" } });
  await worker.settled(id, "completed");
  expect(await jobRow(db, id)).toMatchObject({ state: "completed", errors: [] });
  server.close();
});

test("a receiver that is not there has failed", async () => {
  await register({ url: "http://127.0.0.1:1/" });
  const { job } = await delivered();
  expect(job?.errors).toEqual([
    expect.objectContaining({ message: expect.stringMatching(/^not delivered: connect ECONNREFUSED/) }),
  ]);
});

test("a delivery that a shutdown interrupts costs no attempt, and the receiver no failure", async () => {
  await register();
  receiver.says = "never";
  const [id] = (await publishEvent(db, orderPaid, paid)).deliveries as [number];
  const { worker } = await work();
  await until(async () => receiver.received.length === 1);
  await worker.stop({ timeout: 0 });
  expect(await jobRow(db, id)).toMatchObject({ state: "queued", attempt: 0, errors: [] });
  expect(await sql`select from soniq_webhook_endpoints where failures > 0`).toHaveLength(0);
});

test("a delivery can be sent once more, with the same id and words", async () => {
  const { id: endpoint } = await register();
  const { id } = await delivered();
  await delivered((await resendDelivery(db, id)).id);
  const [first, second] = receiver.received;
  expect([second?.id, second?.body]).toEqual([first?.id, first?.body]);
  expect((await listDeliveries(db, endpoint)).deliveries).toHaveLength(2);
});

test("a delivery whose endpoint was deleted meanwhile is cancelled", async () => {
  await register();
  const { deliveries } = await publishEvent(db, orderPaid, paid);
  await sql`delete from soniq_webhook_endpoints`;
  const { job } = await delivered(deliveries[0]);
  expect(job).toMatchObject({ state: "cancelled", reason: "its endpoint was deleted" });
});

test("a receiver that answers with another protocol has failed", async () => {
  const server = createServer((socket) =>
    socket.once("data", () => socket.write("HTTP/1.1 101 Go On\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n")),
  );
  await once(server.listen(0, "127.0.0.1"), "listening");
  await register({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
  const { job } = await delivered();
  expect(job?.errors).toEqual([
    expect.objectContaining({ message: "not delivered: the connection was closed without an answer" }),
  ]);
  server.close();
});

test("a secret whose key is gone is said so, nothing is sent, and once it is rotated all is delivered", async () => {
  const { id: endpoint } = await register();
  await publishEvent(db, orderPaid, paid);
  const other = { ...webhooks, keys: [Buffer.alloc(32, 8).toString("base64")] };
  const worker = await work({ webhooks: other });
  const { outcome } = await worker.event("retried");
  expect(outcome).toMatchObject({
    kind: "retried",
    error: { message: expect.stringMatching(/not in webhooks\.keys: add it there, or rotate the secret$/) },
  });
  expect(receiver.received).toHaveLength(0);
  // Ours is the fault, not the receiver's.
  expect(await listEndpoints(db)).toMatchObject([{ id: endpoint, failures: 0 }]);
  const { secret } = await rotateSecret(db, other, endpoint);
  await publishEvent(db, orderPaid, paid);
  await worker.event("completed");
  await verifyWebhook(receiver.received[0] as never, secret, [orderPaid]);
});
