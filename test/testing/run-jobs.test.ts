// What `drain` runs in a test's transaction, and what it leaves.
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as v from "valibot";
import { afterAll, expect, test } from "vitest";
import { soniqJobs } from "../../schema/index.ts";
import {
  cancelJob,
  defineConfig,
  defineJob,
  defineSchedule,
  enqueue,
  enqueueMany,
  defineHandler,
  type JobContext,
  RetryAfter,
  type WorkerEvent,
} from "../../src/index.ts";
import { runJobs, withRollback, travel } from "../../src/testing.ts";
import { publishEvent, defineEvent, registerEndpoint } from "../../src/webhooks.ts";
import { testDatabase } from "../support/database.ts";
import { effects } from "../support/effects.ts";
import { type Database, handlers, idle, jobs, jobsIn, said, type Tx, write } from "../support/kit-jobs.ts";
import { webhooks } from "../support/receiver.ts";
import { startWorker } from "../support/worker.ts";

const server = await testDatabase();
const client = postgres(server.url, { max: 2, onnotice: () => {} });
afterAll(() => client.end());
const db: Database = drizzle({ client, schema: { effects } });

test("drain runs the jobs of all queues by priority, then in the order in which they were enqueued", async () => {
  const ran: number[] = [];
  const note = defineJob({ name: "note", payload: v.number(), run: (n) => void ran.push(n) });
  await withRollback(db, async (tx) => {
    await enqueueMany(tx, note, [1, 2, 3]);
    await enqueue(tx, note, 0, { priority: 0 });
    await enqueue(tx, note, 4, { queue: "another" });
    await runJobs(tx, { jobs: { note }, handlers: {} });
  });
  expect(ran.filter((n) => n < 4)).toEqual([0, 1, 2, 3]);
  expect(ran).toContain(4);
});

test("drain runs what was committed before, and leaves it as it was", async () => {
  const { id } = await enqueue(db, idle, null);
  await withRollback(db, async (tx) => expect(await runJobs(tx, { jobs, handlers })).toHaveLength(1));
  expect(await jobsIn(db as unknown as Tx)).toMatchObject([{ id, state: "queued", claims: 0 }]);
  await db.delete(soniqJobs);
});

test("drain takes the whole configuration: its middleware stands around, and its onEvent is told", async () => {
  const told: WorkerEvent[] = [];
  const order: string[] = [];
  const config = defineConfig({
    connection: undefined,
    jobs: { idle },
    handlers: { idle: (_, job) => (order.push("handler"), job.log("here")) },
    middleware: [async (_, next) => (order.push("before"), void (await next()), void order.push("after"))],
    onEvent: (event) => told.push(event),
  });
  await withRollback(db, async (tx) => {
    const { id } = await enqueue(tx, idle, null);
    const ended = await runJobs(tx, config);
    expect(told.map(({ type }) => type)).toEqual(["started", "logged", "completed"]);
    expect(told.at(-1)).toBe(ended[0]);
    const [job] = await jobsIn(tx);
    expect(job).toMatchObject({ id, logs: [{ message: "here", attempt: 1 }] });
  });
  expect(order).toEqual(["before", "handler", "after"]);
});

test.each<[what: string, run: (job: JobContext) => unknown, type: string]>([
  ["cancels itself", (job) => job.cancel("no"), "cancelled"],
  ["is discarded", (job) => job.discard("no"), "dead"],
  ["is snoozed", (job) => job.snooze("1h"), "snoozed"],
  ["asks to be tried later", () => Promise.reject(new RetryAfter("1h")), "retried"],
  ["is of a payload that is refused", () => {}, "dead"],
])("drain says of a job that %s", async (what, run, type) => {
  const job = defineJob({ name: "one", payload: v.number(), run: (_, context) => run(context) as void });
  await withRollback(db, async (tx) => {
    const payload = what.includes("refused") ? '"text"' : "1";
    await tx.execute(sql`insert into soniq_jobs (name, payload) values ('one', ${payload}::jsonb)`);
    expect(said(await runJobs(tx, { jobs: { job }, handlers: {} }))).toEqual([`one ${type}`]);
  });
});

test("drain says of a job that it was not given that nobody knows it", async () => {
  await withRollback(db, async (tx) => {
    await enqueue(tx, idle, null);
    expect(said(await runJobs(tx, { jobs: {}, handlers: {} }))).toEqual(["idle unknown"]);
  });
});

test("drain runs a job to its last attempt", async () => {
  const failing = { ...handlers, write: defineHandler(write, () => Promise.reject(new Error("no"))) };
  await withRollback(db, async (tx) => {
    await enqueue(tx, write, 1);
    const types: string[] = [];
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      types.push(...said(await runJobs(tx, { jobs, handlers: failing })));
      await travel(tx, "1m");
    }
    expect(types).toEqual(["write retried", "write retried", "write dead"]);
    expect((await jobsIn(tx))[0]).toMatchObject({ state: "dead", reason: "out of attempts: no", attempt: 3 });
  });
});

test("drain leaves cancelled jobs and paused queues alone", async () => {
  await withRollback(db, async (tx) => {
    await cancelJob(tx, (await enqueue(tx, idle, null)).id);
    await enqueue(tx, idle, null, { queue: "paused" });
    await tx.execute(sql`insert into soniq_queues (name, paused_at) values ('paused', now())`);
    expect(await runJobs(tx, { jobs, handlers })).toEqual([]);
  });
});

test("drain sends no webhooks: they stay queued", async () => {
  const pinged = defineEvent({ name: "pinged", payload: v.number() });
  await withRollback(db, async (tx) => {
    await registerEndpoint(tx, webhooks, { allTenants: true, events: "all", url: "https://example.com/" });
    const { deliveries } = await publishEvent(tx, pinged, 1);
    expect(await runJobs(tx, { jobs, handlers })).toEqual([]);
    expect(await jobsIn(tx)).toMatchObject([{ id: deliveries[0], state: "queued", claims: 0 }]);
    await travel(tx, "1h");
    expect(await runJobs(tx, { jobs, handlers })).toEqual([]);
  });
});

test("drain gives up where jobs enqueue each other without end", async () => {
  const again = {
    ...handlers,
    idle: defineHandler(idle, (_, job: JobContext<Tx>) =>
      job.transaction(async (tx) => void (await enqueue(tx, idle, null))),
    ),
  };
  await withRollback(db, async (tx) => {
    await enqueue(tx, idle, null);
    await expect(runJobs(tx, { jobs, handlers: again })).rejects.toThrow(
      "runJobs: after 100 iterations, more jobs are due",
    );
  });
});

test("drain in one test concerns no worker elsewhere, nor another test's jobs", async () => {
  const ran: string[] = [];
  const mine = defineJob({ name: "mine", queue: "shared", payload: v.string(), run: (who) => void ran.push(who) });
  const { settled } = await startWorker({ connection: server.url, jobs: { mine }, handlers: {}, pollInterval: "20ms" });
  await withRollback(db, async (first) => {
    await enqueue(first, mine, "first");
    await withRollback(db, async (second) => {
      await enqueue(second, mine, "second");
      await runJobs(second, { jobs: { mine }, handlers: {} });
    });
    expect(ran).toEqual(["second"]);
    await runJobs(first, { jobs: { mine }, handlers: {} });
  });
  const real = await enqueue(db, mine, "worker");
  await settled(real.id, "completed");
  expect(ran).toEqual(["second", "first", "worker"]);
  await db.delete(soniqJobs);
});

test("drain fires the schedules of the configuration once the test has travelled past their ticks, and no others", async () => {
  const ran: string[] = [];
  const note = defineJob({ name: "note", payload: v.string(), run: (word) => void ran.push(word) });
  const hourly = defineSchedule({ name: "hourly", job: note, payload: "hourly", every: "1h" });
  const nightly = defineSchedule({ name: "nightly", job: note, payload: "nightly", cron: "0 2 * * *" });
  const config = { jobs: { note }, handlers: {}, schedules: [hourly, nightly] };
  await withRollback(db, async (tx) => {
    await runJobs(tx, config);
    expect(ran).toEqual([]);
    await travel(tx, "1h");
    await runJobs(tx, { jobs: { note }, handlers: {} });
    expect(ran).toEqual([]);
    await runJobs(tx, config);
    expect(ran.filter((word) => word === "hourly")).toEqual(["hourly"]);
    await travel(tx, "24h");
    await runJobs(tx, config);
    expect(ran.filter((word) => word === "hourly")).toEqual(["hourly", "hourly"]);
    expect(ran.filter((word) => word === "nightly")).toHaveLength(1);
  });
  await withRollback(db, async (tx) => {
    ran.length = 0;
    await travel(tx, "12h");
    await travel(tx, "12h");
    expect(await runJobs(tx, config)).toHaveLength(2);
    expect(ran.toSorted()).toEqual(["hourly", "nightly"]);
  });
});

test("handlers that a function makes of a database use the test's transaction", async () => {
  const count = defineJob({ name: "count", payload: v.null(), result: v.number() });
  const handlersOver = (on: Database | Tx) => ({ count: async () => (await on.select().from(soniqJobs)).length });
  await withRollback(db, async (tx) => {
    await enqueue(tx, count, null);
    const seen = (await tx.select().from(soniqJobs)).length;
    const [ended] = await runJobs(tx, { jobs: { count }, handlers: handlersOver(tx) });
    expect(ended?.outcome).toMatchObject({ kind: "completed", result: String(seen) });
  });
});
