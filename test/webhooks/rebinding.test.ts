// A resolver that answers otherwise when it is asked again: what was checked is what is connected to. For a public address
// stands a loopback one that is allowed, for an address inside another one that is not.
import { expect, test } from "vitest";
import type { JobContext } from "../../src/index.ts";
import { registerEndpoint } from "../../src/webhooks.ts";
import { createDeliveryHandler } from "../../src/webhooks/deliver.ts";
import { parseWebhookConfig } from "../../src/webhooks/webhook-settings.ts";
import { testDatabase } from "../support/database.ts";
import { startReceiver } from "../support/receiver.ts";

const { db } = await testDatabase();
const config = { keys: [Buffer.alloc(32, 7).toString("base64")], allow: ["127.0.0.2/32"] };
const [outside, inside] = ["127.0.0.2", "127.0.0.3"];

test("an address is looked up once for each attempt, and none but that is connected to", async () => {
  const receiver = await startReceiver(outside);
  const { port } = new URL(receiver.url);
  const victim = await startReceiver(inside, Number(port));
  const { id: endpoint } = await registerEndpoint(db, config, {
    allTenants: true,
    events: "all",
    url: `http://rebinding.example:${port}/`,
  });
  const answers = [outside, inside, outside].map((address) => [{ address, family: 4 }]);
  let asked = 0;
  const handler = createDeliveryHandler(
    db,
    parseWebhookConfig(config),
    async () => answers[asked++] as (typeof answers)[0],
  );
  const delivery = { endpoint, event: "pinged", id: "msg_1", at: new Date().toISOString(), data: 1 };
  const attempt = async () => handler(delivery, { signal: new AbortController().signal } as JobContext);

  await expect(attempt()).resolves.toMatchObject({ status: 204 });
  expect(asked).toBe(1);
  await expect(attempt()).rejects.toThrow(
    "not delivered: the host of the URL has no address, or one that must not be reached",
  );
  await expect(attempt()).resolves.toMatchObject({ status: 204 });
  expect(asked).toBe(3);
  expect(receiver.received.map(({ raw }) => raw.host)).toEqual(
    Array.from({ length: 2 }, () => `rebinding.example:${port}`),
  );
  expect(victim.received).toEqual([]);
});

test("whether a name exists inside is not said: one that does and one that does not fail alike", async () => {
  const { id: endpoint } = await registerEndpoint(db, config, {
    allTenants: true,
    events: "all",
    url: "https://name.example/",
  });
  const delivery = { endpoint, event: "pinged", id: "msg_1", at: new Date().toISOString(), data: 1 };
  const failure = async (lookUp: () => Promise<{ address: string; family: number }[]>) => {
    const attempt = createDeliveryHandler(
      db,
      parseWebhookConfig(config),
      lookUp,
    )(delivery, { signal: new AbortController().signal } as JobContext);
    const error = (await Promise.resolve(attempt).catch((thrown: unknown) => thrown)) as Error;
    return [error.message, (error.cause as Error).message, (error.cause as Error).cause];
  };
  const existing = await failure(async () => [{ address: "10.0.0.1", family: 4 }]);
  const missing = await failure(() => Promise.reject(new Error("getaddrinfo ENOTFOUND name.example")));
  expect(existing[0]).toContain("not delivered: the host of the URL has no address, or one that must not be reached");
  expect(missing).toEqual(existing);
});
