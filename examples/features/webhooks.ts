// Webhooks: an event is published in the transaction that causes it, and delivered to the endpoints that subscribe to it.
// DATABASE_URL=postgres://… npx tsx examples/features/webhooks.ts
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { createWorker, defineConfig, migrate } from "soniq-drizzle";
import {
  publishEvent,
  defineEvent,
  listDeliveries,
  listEndpoints,
  registerEndpoint,
  resendDelivery,
  rotateSecret,
  verifyWebhook,
  type WebhookConfig,
  WebhookError,
} from "soniq-drizzle/webhooks";
import * as v from "valibot";

const connection = process.env.DATABASE_URL;
const client = postgres(connection ?? "", { max: 1, onnotice: () => {} });
const db = drizzle({ client });
await migrate(db);

const orderPaid = defineEvent({ name: "order.paid", payload: v.strictObject({ orderId: v.number() }) });

// The receiver: another program, which knows the secret of its endpoint.
let secrets: string[] = [];
let isGone = false;
const seen = new Set<string>();
const receiver = createServer(async (request, response) => {
  if (isGone) return void response.writeHead(410).end();
  const body = await text(request);
  const headers = new Headers(request.headers as Record<string, string>);
  try {
    const { id, data } = await verifyWebhook({ headers, text: async () => body }, secrets, [orderPaid]);
    console.log(`received: order ${data.orderId} is paid${seen.has(id) ? " (a duplicate)" : ""}`);
    seen.add(id);
    response.writeHead(200).end("thanks");
  } catch (error) {
    console.log(`refused: ${error instanceof WebhookError ? error.problem : error}`);
    response.writeHead(401).end("who are you?");
  }
});
await once(receiver.listen(0, "127.0.0.1"), "listening");
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`;

// The sender. Webhooks go to public addresses by https only, except for the networks in `allow`.
const webhooks: WebhookConfig = { keys: [randomBytes(32).toString("base64")], allow: ["127.0.0.0/8"] };
const { id: endpoint, secret } = await registerEndpoint(db, webhooks, { allTenants: true, url, events: [orderPaid] });
const deliver = () =>
  createWorker(defineConfig({ connection, jobs: {}, handlers: {}, webhooks })).drain({ wait: "0s" });

secrets = [secret];
await db.transaction((tx) => publishEvent(tx, orderPaid, { orderId: 1 }));
await db
  .transaction(async (tx) => {
    await publishEvent(tx, orderPaid, { orderId: 2 });
    throw new Error("the card was declined");
  })
  .catch((error: Error) => console.log(`not published: ${error.message}`));
await deliver();

const [first] = (await listDeliveries(db, endpoint)).deliveries;
console.log(`delivered: ${first?.answer?.status} ${first?.answer?.excerpt}`);
await resendDelivery(db, first?.id ?? 0);
await deliver();

// Both secrets sign for a day, so the receiver can switch at any time.
const { secret: newSecret } = await rotateSecret(db, webhooks, endpoint);
await publishEvent(db, orderPaid, { orderId: 3 });
await deliver();
secrets = [newSecret];
await publishEvent(db, orderPaid, { orderId: 4 });
await deliver();

secrets = [`whsec_${randomBytes(32).toString("base64")}`];
await publishEvent(db, orderPaid, { orderId: 5 });
await deliver();
const [failed] = (await listDeliveries(db, endpoint)).deliveries;
console.log(`${failed?.state} again after: ${failed?.failures[0]?.message}`);

isGone = true;
await publishEvent(db, orderPaid, { orderId: 6 });
await deliver();
await publishEvent(db, orderPaid, { orderId: 7 });
const [{ state, pausedReason } = {}] = await listEndpoints(db);
console.log(`the endpoint: ${state}, because ${pausedReason}`);
for (const delivery of (await listDeliveries(db, endpoint, { limit: 2 })).deliveries)
  console.log(`its delivery: ${delivery.state}`);

receiver.close();
await client.end();
