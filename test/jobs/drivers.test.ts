// Every driver of Drizzle's that can be run here: what is enqueued through it is there as it went in, or not at all.
import { PGlite } from "@electric-sql/pglite";
import { eq, sql } from "drizzle-orm";
import { drizzle as overPg } from "drizzle-orm/node-postgres";
import { withReplicas } from "drizzle-orm/pg-core";
import { drizzle as overPglite } from "drizzle-orm/pglite";
import { drizzle as overPostgres } from "drizzle-orm/postgres-js";
import { Pool } from "pg";
import postgres from "postgres";
import * as v from "valibot";
import { afterAll, describe, expect, test } from "vitest";
import * as schema from "../../schema/index.ts";
import { cancelJob, defineJob, enqueue, enqueueMany, defineHandler, migrate, type Queryable } from "../../src/index.ts";
import {
  discardJob,
  listDeadLetters,
  listQueues,
  listWorkers,
  pauseQueue,
  retryDeadLetters,
  resumeQueue,
  runJobNow,
  summarizeDeadLetters,
} from "../../src/admin.ts";
import { builder } from "../../src/core/builder.ts";
import { openSession } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { startWorker } from "../support/worker.ts";

const { soniqJobs } = schema;
const { url } = await testDatabase();
const empty = await testDatabase({ migrated: false });

const client = postgres(url, { onnotice: () => {} });
const pool = new Pool({ connectionString: url });
const pglite = new PGlite();
afterAll(() => Promise.all([client.end(), pool.end(), pglite.close()]));
await migrate(overPglite({ client: pglite }));

// A replica without any tables: whatever is sent there fails.
const replica = overPostgres({ client: postgres(empty.url, { onnotice: () => {} }) });
afterAll(() => replica.$client.end());

const handles: [string, Queryable][] = [
  ["postgres-js", overPostgres({ client })],
  ["postgres-js with a schema", overPostgres({ client, schema })],
  ["postgres-js with read replicas", withReplicas(overPostgres({ client }), [replica])],
  ["node-postgres", overPg({ client: pool })],
  ["node-postgres with a schema", overPg({ client: pool, schema })],
  ["PGlite", overPglite({ client: pglite })],
];

/** Each payload with what PostgreSQL calls it. */
const payloads: [string, unknown][] = [
  ["object", { a: 1, nested: { list: [true, null, { b: "c" }], empty: {} } }],
  ["array", [1, "two", null, [3]]],
  ["array", [true]],
  ["array", []],
  ["string", "text with \"quotes\", \\ and 'apostrophes' and $1"],
  ["string", '{"a":1}'],
  ["string", "[1]"],
  ["string", "42"],
  ["string", "null"],
  ["string", ""],
  ["number", 0.1],
  ["number", -7e300],
  ["boolean", true],
  ["boolean", false],
  ["null", null],
];

const any = defineJob({ name: "any", payload: v.any() });
const mail = defineJob({ name: "mail", payload: v.object({ to: v.string() }), unique: { by: ({ to }) => to } });

describe.each(handles)("%s", (driver, db) => {
  const primary = builder(db);
  const stored = () =>
    primary
      .select({
        id: soniqJobs.id,
        type: sql<string>`jsonb_typeof(${soniqJobs.payload})`,
        text: sql<string>`${soniqJobs.payload}::text`,
      })
      .from(soniqJobs)
      .where(eq(soniqJobs.name, "any"))
      .orderBy(soniqJobs.id);
  const exists = async (id: number) =>
    (await primary.select({ id: soniqJobs.id }).from(soniqJobs).where(eq(soniqJobs.id, id))).length === 1;
  let unused = 0;
  const newAddress = () => `${driver} ${(unused += 1)}`;

  test("payloads of every JSON type are stored as what they are", async () => {
    await primary.delete(soniqJobs).where(eq(soniqJobs.name, "any"));
    for (const [, payload] of payloads) await enqueue(db, any, payload);
    await enqueueMany(
      db,
      any,
      payloads.map(([, payload]) => payload),
    );
    const rows = await stored();
    const wanted = [...payloads, ...payloads];
    expect(rows.map(({ type }) => type)).toEqual(wanted.map(([type]) => type));
    expect(rows.map(({ text }): unknown => JSON.parse(text))).toEqual(wanted.map(([, payload]) => payload));
  });

  test("jobs come and go with their transaction", async () => {
    const { id: kept } = await db.transaction((tx: Queryable) => enqueue(tx, mail, { to: newAddress() }));
    const gone: number[] = [];
    const failing = db.transaction(async (tx: Queryable) => {
      gone.push((await enqueue(tx, mail, { to: newAddress() })).id);
      gone.push(...(await enqueueMany(tx, any, [1, 2])).map(({ id }) => id));
      throw new Error("the order was invalid");
    });
    await expect(failing).rejects.toThrow("the order was invalid");
    expect(await exists(kept)).toBe(true);
    expect(await Promise.all(gone.map(exists))).toEqual([false, false, false]);
  });

  test("jobs come and go with their savepoint", async () => {
    const { outer, inner } = await db.transaction(async (tx: Queryable) => {
      const first = await enqueue(tx, mail, { to: newAddress() });
      let second = first;
      await tx
        .transaction(async (savepoint: Queryable) => {
          second = await enqueue(savepoint, mail, { to: newAddress() });
          throw new Error("never mind");
        })
        .catch(() => {});
      return { outer: first.id, inner: second.id };
    });
    expect(await exists(outer)).toBe(true);
    expect(inner).not.toBe(outer);
    expect(await exists(inner)).toBe(false);
  });

  test("a unique key that is held answers with its holder, and leaves a transaction usable", async () => {
    const to = newAddress();
    const first = await enqueue(db, mail, { to });
    const [again, many] = await db.transaction(async (tx: Queryable) => [
      await enqueue(tx, mail, { to }),
      await enqueueMany(tx, mail, [{ to: newAddress() }, { to }]),
    ]);
    expect(first.deduplicated).toBe(false);
    expect(again).toEqual({ id: first.id, name: "mail", deduplicated: true });
    expect(many[1]).toEqual(again);
    expect(await exists(many[0]?.id as number)).toBe(true);
  });

  test("a job is cancelled, but not by a transaction that rolls back", async () => {
    const { id } = await enqueue(db, mail, { to: newAddress() });
    const answers: string[] = [];
    const failing = db.transaction(async (tx: Queryable) => {
      answers.push(await cancelJob(tx, id), await cancelJob(tx, id));
      throw new Error("back");
    });
    await expect(failing).rejects.toThrow("back");
    answers.push(await cancelJob(db, id), await cancelJob(db, id));
    expect(answers).toEqual(["cancelled", "not found", "cancelled", "not found"]);
  });

  test("a job is run now, or given up, and says what it found", async () => {
    const waits = await enqueue(db, mail, { to: newAddress() }, { delay: "1h" });
    const parked = await enqueue(db, mail, { to: newAddress() });
    await primary
      .update(soniqJobs)
      .set({ runAt: sql`'infinity'` })
      .where(eq(soniqJobs.id, parked.id));
    expect([await runJobNow(db, waits), await runJobNow(db, parked)]).toEqual(["due", "parked"]);
    expect([await discardJob(db, waits), await discardJob(db, waits)]).toEqual(["discarded", "not found"]);
    expect(await runJobNow(db, waits)).toBe("not found");
  });

  test("workers are listed", async () => {
    const id = await openSession(db, { host: driver, pid: 1, version: "1", queues: { mail: 2 }, leaseMs: 60_000 });
    const queues = [{ name: "mail", active: 0, concurrency: 2 }];
    expect((await listWorkers(db)).find(({ host }) => host === driver)).toMatchObject({ id, queues, state: "live" });
  });

  test("a dead letter is read as it went in, and retried", async () => {
    const { id } = await enqueue(db, mail, { to: newAddress() }, { tags: ["a"] });
    const dead = { state: "dead", finishedAt: sql`now()`, reason: "no", uniqueHeld: false } as const;
    await primary.update(soniqJobs).set(dead).where(eq(soniqJobs.id, id));
    const { deadLetters } = await listDeadLetters(db, { ids: [id] });
    expect(deadLetters).toMatchObject([{ id, reason: "no", tags: ["a"], finishedAt: expect.any(Date) }]);
    expect(await summarizeDeadLetters(db, { ids: [id] })).toMatchObject({
      count: 1,
      groups: [{ newest: expect.any(Date) }],
    });
    expect(await retryDeadLetters(db, { ids: [id] })).toEqual({ retried: 1, refused: 0 });
  });

  test("a queue is paused, listed and resumed", async () => {
    await pauseQueue(db, driver);
    const listed = async () => (await listQueues(db)).find(({ name }) => name === driver);
    const quiet = { name: driver, due: 0, scheduled: 0, parked: 0, active: 0, latencyMs: null };
    expect(await listed()).toEqual({ ...quiet, pausedAt: expect.any(Date) });
    expect(await resumeQueue(db, driver)).toBe(true);
    expect(await listed()).toEqual({ ...quiet, pausedAt: null });
  });
});

test("a handler receives each payload as it went in, whichever driver enqueued it", async () => {
  const echo = defineJob({ name: "echo", payload: v.any() });
  const received = new Map<number, unknown>();
  const worker = await startWorker({
    connection: url,
    jobs: { echo },
    handlers: { echo: defineHandler(echo, (payload, job) => void received.set(job.id, payload)) },
  });
  for (const db of [overPostgres({ client }), overPg({ client: pool })]) {
    for (const [, payload] of payloads) {
      const { id } = await enqueue(db, echo, payload);
      await worker.settled(id, "completed");
      expect(received.get(id)).toStrictEqual(payload);
    }
  }
});

test("PGlite is migrated once", async () => {
  expect(await migrate(overPglite({ client: pglite }))).toEqual([]);
});
