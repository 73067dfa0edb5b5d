// What all who look see as it changes.
import { describe, expect, test } from "vitest";
import { createDashboard } from "../../src/dashboard.ts";
import { LiveFeed } from "../../src/dashboard/live-feed.ts";
import type { Queryable } from "../../src/core/queryable.ts";
import { Throughput } from "../../src/dashboard/throughput.ts";
import type { LiveView } from "../../src/dashboard/wire.ts";
import { requestOf, token } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { recordedDatabase } from "../support/recorded-database.ts";
import { until } from "../support/until.ts";

const { db, url, sql } = await testDatabase();

const decoder = new TextDecoder();
const by = (signal: AbortSignal) => requestOf("/api/live", { signal });
const mayStay = async () => {};
type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function nextEvent(reader: Reader): Promise<string | undefined> {
  const { done, value } = await reader.read();
  return done ? undefined : decoder.decode(value);
}

/** A feed whose looks the test lets happen, one at a time; each says which one it is. */
function heldFeed() {
  let looks = 0;
  let held = gate();
  const feed = new LiveFeed(async () => {
    await held.opened;
    held = gate();
    looks += 1;
    return { look: looks };
  }, 1);
  return { feed, looks: () => looks, release: () => held.open() };
}

describe("a viewer", () => {
  test("is shown queues, workers and dead letters at once, and again when they change", async () => {
    await sql`insert into soniq_jobs (name, payload, queue) values ('a', '{}', 'mail'), ('b', '{}', 'mail')`;
    await sql`insert into soniq_jobs (name, payload, state, finished_at) values ('c', '{}', 'dead', now())`;
    await sql`insert into soniq_workers (lease_expires_at) values (now() + interval '1 hour')`;
    const stop = new AbortController();
    const response = await createDashboard({ db, token })(requestOf("/api/live", { signal: stop.signal }));
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const shown = async () => {
      const [event, data] = ((await nextEvent(reader)) as string).split("\n");
      expect(event).toBe("event: overview");
      return JSON.parse(data?.replace("data: ", "") as string) as LiveView;
    };
    expect(await shown()).toEqual({
      at: expect.any(String),
      queues: [expect.objectContaining({ name: "mail", due: 2, pausedAt: null, perMinute: 0 })],
      workers: 1,
      deadLetters: 1,
      perSecond: 0,
    });
    await sql`insert into soniq_jobs (name, payload, queue) values ('a', '{}', 'mail')`;
    await until(async () => (await shown()).queues[0]?.due === 3);
    stop.abort();
    expect(await nextEvent(reader)).toBeUndefined();
  });

  test("leaves with the request's signal, also where that was aborted before", async () => {
    const { feed, looks } = heldFeed();
    const stream = feed.watch(by(AbortSignal.abort()), "ada", mayStay) as ReadableStream<Uint8Array>;
    expect(await nextEvent(stream.getReader())).toBeUndefined();
    expect(looks()).toBe(0);
  });

  test("that reads nothing is kept one event, however many there were", async () => {
    const { feed, release, looks } = heldFeed();
    const stop = new AbortController();
    const slow = feed.watch(by(stop.signal), "ada", mayStay) as ReadableStream<Uint8Array>;
    const quick = (feed.watch(by(stop.signal), "ada", mayStay) as ReadableStream<Uint8Array>).getReader();
    for (const look of [1, 2, 3]) {
      release();
      expect(await nextEvent(quick)).toContain(`{"look":${look}}`);
    }
    expect(looks()).toBe(3);
    stop.abort();
    const late = slow.getReader();
    expect(await nextEvent(late)).toContain(`{"look":1}`);
    expect(await nextEvent(late)).toBeUndefined();
  });

  test("is told that the connection is alive where PostgreSQL does not answer", async () => {
    const stop = new AbortController();
    const feed = new LiveFeed(() => Promise.reject(new Error("away")), 1);
    const reader = (feed.watch(by(stop.signal), "ada", mayStay) as ReadableStream<Uint8Array>).getReader();
    expect(await nextEvent(reader)).toMatch(/^: /);
    stop.abort();
  });

  test("is told so, too, where the database has no transactions, which it says by throwing", async () => {
    const { body } = await createDashboard({ db: { execute: () => {} } as unknown as Queryable, token })(
      requestOf("/api/live"),
    );
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    expect(await nextEvent(reader)).toMatch(/^: /);
    await reader.cancel();
  });

  test("is none who asks for the headers alone", async () => {
    const { db: recorded, sent } = recordedDatabase(url);
    const dashboard = createDashboard({ db: recorded, token });
    for (let n = 0; n < 60; n += 1) {
      const { status, headers } = await dashboard(requestOf("/api/live", { method: "HEAD" }));
      expect([status, headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    }
    expect(sent).toEqual([]);
  });
});

test("whoever may not look any more is shown the door within thirty events", async () => {
  const { feed, release } = heldFeed();
  const stop = new AbortController();
  const loggedOut = feed.watch(by(stop.signal), "ada", () => Promise.reject(new Error("logged out")));
  const reader = (loggedOut as ReadableStream<Uint8Array>).getReader();
  const other = (feed.watch(by(stop.signal), "ada", mayStay) as ReadableStream<Uint8Array>).getReader();
  let events = 0;
  for (release(); (await nextEvent(reader)) !== undefined; release()) events += 1;
  expect(events).toBe(30);
  expect(await nextEvent(other)).toBeDefined();
  stop.abort();
});

describe("however many look", () => {
  test("one looks for all of them, and nobody once they have gone", async () => {
    const { db: recorded, sent } = recordedDatabase(url);
    const dashboard = createDashboard({ db: recorded, token });
    const stop = new AbortController();
    const readers = [];
    for (let n = 0; n < 10; n += 1) {
      const { body } = await dashboard(requestOf("/api/live", { signal: stop.signal }));
      readers.push((body as ReadableStream<Uint8Array>).getReader());
    }
    const events = await Promise.all(readers.map(nextEvent));
    expect(new Set(events).size).toBe(1);
    const perLook = sent.length;
    expect(perLook).toBeLessThan(10);
    await Promise.all(readers.map(nextEvent));
    expect(sent).toHaveLength(2 * perLook);
    stop.abort();
    for (const reader of readers) expect(await nextEvent(reader)).toBeUndefined();
    // A new one is looked for anew, and at once.
    const { body } = await dashboard(requestOf("/api/live"));
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    await nextEvent(reader);
    expect(sent).toHaveLength(3 * perLook);
    await reader.cancel();
  });

  test("whoever comes while a look is under way waits for it, and has no look of their own", async () => {
    const { feed, looks, release } = heldFeed();
    const stop = new AbortController();
    const readers = [1, 2, 3].map(() =>
      (feed.watch(by(stop.signal), "ada", mayStay) as ReadableStream<Uint8Array>).getReader(),
    );
    release();
    for (const event of await Promise.all(readers.map(nextEvent))) expect(event).toContain(`{"look":1}`);
    expect(looks()).toBe(1);
    stop.abort();
  });

  test("fifty may; the next one is asked to wait, until one of them leaves", async () => {
    const { feed } = heldFeed();
    const stops = Array.from({ length: 50 }, () => new AbortController());
    for (const { signal } of stops) expect(feed.watch(by(signal), "ada", mayStay)).toBeDefined();
    const stop = new AbortController();
    expect(feed.watch(by(stop.signal), "ada", mayStay)).toBeUndefined();
    stops[0]?.abort();
    await until(async () => feed.watch(by(stop.signal), "ada", mayStay) !== undefined);
    for (const one of [...stops, stop]) one.abort();
  });
});

describe("how many attempts end per second", () => {
  test("is counted over the last ten seconds, through a change of the minute", () => {
    const throughput = new Throughput();
    const at = (seconds: number, ...minutes: [number, number][]) =>
      throughput.update(
        minutes.map(([minute, attempts]) => ({ minute, attempts })),
        seconds * 1_000,
      );
    expect(at(0, [0, 500])).toBe(0);
    expect(at(2, [0, 520])).toBe(10);
    expect(at(4, [0, 520], [60, 20])).toBe(10);
    expect(at(10, [0, 530], [60, 30])).toBe(6);
    // The minute 0 is told of no more, and what was before the last ten seconds does not count.
    expect(at(20, [60, 30])).toBe(0);
    expect(at(22, [60, 90], [120, 20])).toBeCloseTo(80 / 12);
  });
});
