// Webhooks on PGlite, whose one session the worker shares with the application.
import * as v from "valibot";
import { expect, test } from "vitest";
import { createWorker } from "../../src/index.ts";
import {
  publishEvent,
  defineEvent,
  listDeliveries,
  pauseEndpoint,
  registerEndpoint,
  resumeEndpoint,
} from "../../src/webhooks.ts";
import { testPglite } from "../support/pglite.ts";
import { startReceiver, webhooks } from "../support/receiver.ts";
import { until } from "../support/until.ts";

const { db, connection } = await testPglite();
const pinged = defineEvent({ name: "pinged", payload: v.number() });

test("an event is published, parked while its endpoint is paused, and delivered", async () => {
  const receiver = await startReceiver();
  const { id } = await registerEndpoint(db, webhooks, { allTenants: true, events: "all", url: receiver.url });
  await pauseEndpoint(db, id);
  await db.transaction((tx) => publishEvent(tx, pinged, 1));
  expect((await listDeliveries(db, id)).deliveries).toMatchObject([{ state: "parked", nextAt: null }]);
  const worker = createWorker({ connection, jobs: {}, handlers: {}, webhooks, pollInterval: "50ms" });
  await worker.start();
  await resumeEndpoint(db, id);
  await until(async () => (await listDeliveries(db, id)).deliveries[0]?.state === "completed");
  expect(receiver.received).toHaveLength(1);
  await worker.stop();
});
