// An endpoint that fails and fails is left alone, and what is for it waits where it costs nobody anything.
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import {
  publishEvent,
  defineEvent,
  listDeliveries,
  listEndpoints,
  pauseEndpoint,
  registerEndpoint,
  resumeEndpoint,
} from "../../src/webhooks.ts";
import { admitDelivery, recordFailure, recordSuccess } from "../../src/webhooks/breaker.ts";
import { unparkOrphanedDeliveries, parkPage } from "../../src/webhooks/parking.ts";
import { createDeliveryTasks } from "../../src/worker/tasks/deliveries.ts";
import type { Settings } from "../../src/worker/settings/settings.ts";
import { testDatabase } from "../support/database.ts";
import { startReceiver, webhooks } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";
import { noRefusal } from "../support/refusals.ts";

const { db, url, sql } = await testDatabase();
const [broken, healthy] = [await startReceiver(), await startReceiver()];
const pinged = defineEvent({ name: "pinged", payload: v.number() });

beforeEach(async () => {
  await sql`truncate soniq_jobs, soniq_webhook_endpoints`;
  for (const receiver of [broken, healthy]) {
    (receiver.received as unknown[]).length = 0;
    receiver.says = { status: 204 };
  }
});

const work = () => startWorker({ connection: url, jobs: {}, handlers: {}, webhooks, pollInterval: "20ms" });

const register = async (receiver = broken, events: string[] | "all" = "all") =>
  (await registerEndpoint(db, webhooks, { allTenants: true, url: receiver.url, events })).id;

const standing = async (endpoint: string) => {
  const found = (await listEndpoints(db)).find(({ id }) => id === endpoint);
  return found && { state: found.state, failures: found.failures };
};

async function failTimes(endpoint: string, times: number) {
  for (let n = 0; n < times; n += 1) await recordFailure(db, endpoint, false);
}

/** How many seconds its breaker is open yet. */
async function openFor(endpoint: string): Promise<number> {
  const [row] = await sql<
    [{ s: number }]
  >`select extract(epoch from open_until - now())::float8 as s from soniq_webhook_endpoints where id = ${endpoint}`;
  return Math.round(row.s);
}

const letTimePass = (endpoint: string) =>
  sql`update soniq_webhook_endpoints set open_until = now() - interval '1 second' where id = ${endpoint} and open_until is not null`;

/** Nobody waits for these any longer. */
const endBackoffs = () =>
  sql`update soniq_jobs set run_at = now() where state = 'queued' and run_at > now() and run_at < 'infinity'`;

const states = async (endpoint: string) =>
  (await listDeliveries(db, endpoint)).deliveries.map(({ state }) => state).toSorted();

describe("a breaker", () => {
  test("opens at the tenth failure in a row, for a minute", async () => {
    const id = await register();
    await failTimes(id, 9);
    expect((await admitDelivery(db, id))?.isAdmitted).toBe(true);
    await failTimes(id, 1);
    expect((await admitDelivery(db, id))?.isAdmitted).toBe(false);
    expect(await openFor(id)).toBe(60);
    expect(await standing(id)).toEqual({ state: "open", failures: 10 });
  });

  test("counts none but those in a row", async () => {
    const id = await register();
    await failTimes(id, 9);
    await recordSuccess(db, id);
    await failTimes(id, 9);
    expect((await admitDelivery(db, id))?.isAdmitted).toBe(true);
  });

  test("is not opened for longer by those that were under way", async () => {
    const id = await register();
    await failTimes(id, 20);
    expect(await standing(id)).toMatchObject({ failures: 10 });
    expect(await openFor(id)).toBe(60);
  });

  test("lets one try when its time is over, of however many that ask at once", async () => {
    const id = await register();
    await failTimes(id, 10);
    await letTimePass(id);
    const asked = await Promise.all(Array.from({ length: 8 }, () => admitDelivery(db, id)));
    expect(asked.filter((answer) => answer?.isAdmitted)).toHaveLength(1);
    expect(asked.filter((answer) => answer?.isProbe)).toHaveLength(1);
  });

  test("opens for twice as long when that one fails, up to an hour", async () => {
    const id = await register();
    await failTimes(id, 10);
    const seconds: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      await letTimePass(id);
      await recordFailure(db, id, (await admitDelivery(db, id))?.isProbe ?? false);
      seconds.push(await openFor(id));
    }
    expect(seconds).toEqual([120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
  });

  test("closes when that one succeeds", async () => {
    const id = await register();
    await failTimes(id, 10);
    await letTimePass(id);
    expect((await admitDelivery(db, id))?.isAdmitted).toBe(true);
    await recordSuccess(db, id);
    expect((await admitDelivery(db, id))?.isAdmitted).toBe(true);
    expect(await standing(id)).toEqual({ state: "working", failures: 0 });
  });

  test("lets another one try when the first has not come back for a minute", async () => {
    const id = await register();
    await failTimes(id, 10);
    await letTimePass(id);
    expect((await admitDelivery(db, id))?.isProbe).toBe(true);
    expect((await admitDelivery(db, id))?.isProbe).toBe(false);
    await letTimePass(id);
    expect((await admitDelivery(db, id))?.isProbe).toBe(true);
  });
});

test("the deliveries of a receiver that fails are parked, those of others are not, and all are delivered when it is back", async () => {
  const [dead, alive] = [await register(broken), await register(healthy)];
  broken.says = { status: 500 };
  for (let n = 0; n < 30; n += 1) await publishEvent(db, pinged, n);
  const worker = await work();
  await until(async () => (await standing(dead))?.state === "open");
  await until(async () => {
    await endBackoffs();
    return (await states(dead)).every((state) => state === "parked");
  });
  expect(broken.received.length).toBeLessThanOrEqual(20);
  await until(async () => (await states(alive)).every((state) => state === "completed"));
  // What is published now is parked from the start.
  const { deliveries } = await publishEvent(db, pinged, 30);
  expect(
    await sql`select count(*)::int from soniq_jobs where id in ${sql(deliveries)} and run_at = 'infinity'`,
  ).toEqual([{ count: 1 }]);
  const attempts = await sql<{ attempt: number }[]>`select attempt from soniq_jobs where run_at = 'infinity'`;
  expect(Math.max(...attempts.map(({ attempt }) => attempt))).toBeLessThanOrEqual(1);

  // It fails once more, and is tried by one delivery.
  const before = broken.received.length;
  await letTimePass(dead);
  await until(async () => ((await standing(dead))?.failures ?? 0) === 11);
  expect(broken.received.length).toBe(before + 1);

  broken.says = { status: 204 };
  await letTimePass(dead);
  await until(async () => {
    await endBackoffs();
    return (await states(dead)).every((state) => state === "completed");
  });
  expect(new Set(broken.received.map(({ body }) => JSON.parse(body).data))).toEqual(
    new Set(Array.from({ length: 31 }, (_, n) => n)),
  );
  await until(async () => (await sql`select from soniq_webhook_endpoints where open_until is not null`).length === 0);
  await worker.worker.stop();
});

describe("a paused endpoint", () => {
  test("gets nothing, though much is due and published, until it is resumed: then all", async () => {
    const id = await register();
    const other = await register(healthy);
    for (let n = 0; n < 5; n += 1) await publishEvent(db, pinged, n);
    await pauseEndpoint(db, id, "moving house");
    const { settled, worker } = await work();
    await until(async () => (await states(id)).every((state) => state === "parked"));
    for (let n = 5; n < 10; n += 1) await publishEvent(db, pinged, n);
    const last = (await listDeliveries(db, other)).deliveries[0]?.id as number;
    await settled(last, "completed");
    expect(broken.received).toHaveLength(0);
    expect(await listEndpoints(db)).toContainEqual(
      expect.objectContaining({ id, state: "paused", pausedReason: "moving house" }),
    );
    await resumeEndpoint(db, id);
    await until(async () => (await states(id)).every((state) => state === "completed"));
    expect(broken.received).toHaveLength(10);
    await worker.stop();
  });

  test("holds up no drain", async () => {
    const id = await register();
    await pauseEndpoint(db, id);
    await publishEvent(db, pinged, 1);
    const { worker } = await work();
    expect(await worker.drain({ wait: "1h" })).toBe(true);
    expect(await states(id)).toEqual(["parked"]);
  });

  test("has its deliveries that are due parked, unless it was resumed meanwhile; a backoff is waited out", async () => {
    const id = await register();
    const [due] = (await publishEvent(db, pinged, 1)).deliveries as [number];
    const [waiting] = (await publishEvent(db, pinged, 2)).deliveries as [number];
    await sql`update soniq_jobs set run_at = now() + interval '1 hour' where id = ${waiting}`;
    const parked = async () =>
      (await sql`select id::int from soniq_jobs where run_at = 'infinity'`).map((row) => row["id"]);
    await pauseEndpoint(db, id);
    await resumeEndpoint(db, id);
    await parkPage(db, id, 0, noRefusal);
    expect(await parked()).toEqual([]);
    await pauseEndpoint(db, id);
    await parkPage(db, id, 0, noRefusal);
    expect(await parked()).toEqual([due]);
  });

  test("frees no strays while the queue is busy with what has become due in the last hour", async () => {
    const id = await register();
    await publishEvent(db, pinged, 1);
    await sql`update soniq_jobs set run_at = 'infinity'`;
    const enqueue = (jobs: number) =>
      sql`insert into soniq_jobs (name, queue, payload, run_at) select 'other', 'webhooks', 'null', now() from generate_series(1, ${jobs}::int)`;
    const lookForStrays = createDeliveryTasks(db, { webhooks } as unknown as Settings, () => {})[1]?.run as (
      stop: AbortSignal,
    ) => Promise<void>;
    await enqueue(500);
    await lookForStrays(new AbortController().signal);
    expect(await states(id)).toEqual(["parked"]);
    await sql`update soniq_jobs set run_at = now() - interval '2 hours' where name = 'other'`;
    await lookForStrays(new AbortController().signal);
    expect(await states(id)).toEqual(["queued"]);
  });

  test("whose delivery was parked just as it was resumed has it freed by a look now and then", async () => {
    const [id, paused] = [await register(), await register(healthy)];
    await pauseEndpoint(db, paused);
    await publishEvent(db, pinged, 1);
    await sql`update soniq_jobs set run_at = 'infinity'`;
    expect(await unparkOrphanedDeliveries(db, 0, noRefusal)).toBeUndefined();
    expect(await states(id)).toEqual(["queued"]);
    expect(await states(paused)).toEqual(["parked"]);
  });
});
