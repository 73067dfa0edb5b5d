// What is told of deliveries, page by page; and which of them can be sent once more.
import * as v from "valibot";
import { beforeEach, expect, test } from "vitest";
import { NotFoundError } from "../../src/index.ts";
import { publishEvent, defineEvent, listDeliveries, registerEndpoint, resendDelivery } from "../../src/webhooks.ts";
import { testDatabase } from "../support/database.ts";
import { webhooks } from "../support/receiver.ts";

const { db, sql } = await testDatabase();
const pinged = defineEvent({ name: "pinged", payload: v.number() });

beforeEach(() => sql`truncate soniq_jobs, soniq_webhook_endpoints`);

test("deliveries are listed newest first, page by page", async () => {
  const { id: endpoint } = await registerEndpoint(db, webhooks, {
    allTenants: true,
    events: "all",
    url: "https://example.com/",
  });
  const ids: number[] = [];
  for (let n = 0; n < 5; n += 1) ids.unshift(...(await publishEvent(db, pinged, n)).deliveries);
  const pages = [await listDeliveries(db, endpoint, { limit: 2 })];
  for (let cursor = pages[0]?.next; cursor !== undefined; cursor = pages.at(-1)?.next)
    pages.push(await listDeliveries(db, endpoint, { cursor, limit: 2 }));
  expect(pages.map(({ deliveries }) => deliveries.map(({ id }) => id))).toEqual([
    ids.slice(0, 2),
    ids.slice(2, 4),
    ids.slice(4),
  ]);
  expect((await listDeliveries(db, endpoint, { limit: 5 })).next).toBeUndefined();
});

test.each(["", "x", "1.5"])("a cursor of %j is refused", async (cursor) => {
  const { id } = await registerEndpoint(db, webhooks, { allTenants: true, events: "all", url: "https://example.com/" });
  await expect(listDeliveries(db, id, { cursor })).rejects.toThrow("give the `next` of another page");
});

test("one that is sent once more is a delivery of its own, of the same message", async () => {
  const { id: endpoint } = await registerEndpoint(db, webhooks, {
    allTenants: true,
    events: "all",
    url: "https://example.com/",
  });
  const [id] = (await publishEvent(db, pinged, 1)).deliveries as [number];
  const again = await resendDelivery(db, id);
  const { deliveries } = await listDeliveries(db, endpoint);
  expect(deliveries.map((one) => one.id)).toEqual([again.id, id]);
  expect(deliveries[0]?.messageId).toBe(deliveries[1]?.messageId);
});

test("one that is not there, or whose endpoint is gone, cannot be sent", async () => {
  const notFound = (id: number) =>
    new NotFoundError(`there is no delivery ${id}, or its endpoint was deleted: publish the event again`);
  for (const nothing of [0, 1.5, NaN]) await expect(resendDelivery(db, nothing)).rejects.toThrow(notFound(nothing));
  await registerEndpoint(db, webhooks, { allTenants: true, events: "all", url: "https://example.com/" });
  const [id] = (await publishEvent(db, pinged, 1)).deliveries as [number];
  await sql`delete from soniq_webhook_endpoints`;
  await expect(resendDelivery(db, id)).rejects.toThrow(notFound(id));
});
