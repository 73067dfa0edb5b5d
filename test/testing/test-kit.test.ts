// The test kit: what an application's tests do to jobs in a transaction that is rolled back, over each driver.
import { AssertionError } from "node:assert";
import { sql } from "drizzle-orm";
import { drizzle as overNodePostgres } from "drizzle-orm/node-postgres";
import { drizzle as overPostgresJs, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { Pool } from "pg";
import postgres from "postgres";
import * as v from "valibot";
import { afterAll, describe, expect, test } from "vitest";
import { soniqJobs } from "../../schema/index.ts";
import {
  cancel,
  defineConfig,
  defineJob,
  enqueue,
  enqueueMany,
  handler,
  type JobContext,
  RetryAfter,
  type SettledEvent,
  type TransactionOf,
  type WorkerEvent,
} from "../../src/index.ts";
import { drain, expectEnqueued, rolledBack, travel } from "../../src/testing.ts";
import { announce, defineEvent, registerEndpoint } from "../../src/webhooks.ts";
import { testDatabase } from "../support/database.ts";
import { createEffects, effects, effectsIn } from "../support/effects.ts";
import { testPglite } from "../support/pglite.ts";
import { webhooks } from "../support/receiver.ts";
import { startWorker } from "../support/worker.ts";

const server = await testDatabase();
await createEffects(server.sql);
const schema = { effects };
const client = postgres(server.url, { max: 2, onnotice: () => {} });
const pool = new Pool({ connectionString: server.url, max: 2 });
afterAll(() => Promise.all([client.end(), pool.end()]));

type Database = PostgresJsDatabase<typeof schema>;
type Tx = TransactionOf<Database>;

const drivers: [name: string, db: Database][] = [
  ["postgres.js", overPostgresJs({ client, schema })],
  ["node-postgres", overNodePostgres({ client: pool, schema }) as unknown as Database],
  ["PGlite", (await testPglite()).db as unknown as Database],
];

const write = defineJob({ name: "write", payload: v.number(), result: v.string(), maxAttempts: 3 });
const follow = defineJob({
  name: "follow",
  queue: "other",
  payload: v.strictObject({ n: v.number(), note: v.optional(v.string()) }),
});
const idle = defineJob({ name: "idle", payload: v.null() });
const jobs = { write, follow, idle };

/** Writes in the transaction of its job, and has another job follow. */
const handlers = {
  write: handler(write, (n, job: JobContext<Tx>) =>
    job.transaction(async (tx) => {
      await tx.insert(effects).values({ n });
      await enqueue(tx, follow, { n });
      return `wrote ${n}`;
    }),
  ),
  follow: handler(follow, () => {}),
  idle: handler(idle, () => {}),
};

const said = (ended: readonly SettledEvent[]) => ended.map(({ job, type }) => `${job.name} ${type}`);
const jobsIn = (tx: Tx) => tx.select().from(soniqJobs).orderBy(soniqJobs.id);

describe.each(drivers)("over %s", (_, db) => {
  test("jobs run in the test's transaction, with those that they enqueue, and nothing of it stays", async () => {
    const { ended, within } = await rolledBack(db, async (tx) => {
      const { id } = await enqueue(tx, write, 1);
      const done = await drain(tx, { jobs, handlers });
      expect(done[0]).toMatchObject({ job: { id, attempt: 1 }, state: "completed", outcome: { result: '"wrote 1"' } });
      const states = (await jobsIn(tx)).map(({ name, state, workerId }) => ({ name, state, workerId }));
      expect(states).toEqual([
        { name: "write", state: "completed", workerId: null },
        { name: "follow", state: "completed", workerId: null },
      ]);
      return { ended: done, within: await tx.select().from(effects) };
    });
    expect(said(ended)).toEqual(["write completed", "follow completed"]);
    expect(within).toEqual([{ n: 1 }]);
    expect(await db.select().from(effects)).toEqual([]);
    expect(await db.select().from(soniqJobs)).toEqual([]);
  });

  test("what a handler's transaction wrote is gone if it fails, and the test's transaction goes on", async () => {
    await rolledBack(db, async (tx) => {
      await enqueue(tx, write, 7);
      const broken = handler(write, (n, job: JobContext<Tx>) =>
        job.transaction(async (inner) => {
          await inner.insert(effects).values({ n });
          await inner.execute(sql`select 1 / 0`);
          return "never";
        }),
      );
      const [ended] = await drain(tx, { jobs, handlers: { ...handlers, write: broken } });
      expect(ended).toMatchObject({ type: "retried", outcome: { error: { message: "division by zero" } } });
      expect(await tx.select().from(effects)).toEqual([]);
    });
  });

  test("what failed runs again once the test has travelled past its backoff, and not before", async () => {
    await rolledBack(db, async (tx) => {
      await enqueue(tx, idle, null);
      const failing = { ...handlers, idle: handler(idle, () => Promise.reject(new Error("away"))) };
      const ends: string[][] = [];
      const run = async () => void ends.push(said(await drain(tx, { jobs, handlers: failing })));
      await run();
      await run();
      await tx.execute(sql`select pg_sleep(0.01)`);
      await travel(tx, 1_999);
      await run();
      await travel(tx, 1);
      await run();
      await travel(tx, "4s");
      await run();
      expect(ends).toEqual([["idle retried"], [], [], ["idle retried"], ["idle retried"]]);
    });
  });

  test("what is due later becomes due by travelling", async () => {
    await rolledBack(db, async (tx) => {
      await enqueue(tx, idle, null, { delay: "2h" });
      expect(await drain(tx, { jobs, handlers })).toEqual([]);
      await travel(tx, "1h");
      expect(await drain(tx, { jobs, handlers })).toEqual([]);
      await travel(tx, "1h");
      expect(said(await drain(tx, { jobs, handlers }))).toEqual(["idle completed"]);
    });
  });

  test("a job that was enqueued is found by its payload, with its type", async () => {
    await rolledBack(db, async (tx) => {
      const { id } = await enqueue(tx, follow, { n: 1, note: "a" }, { priority: 2, tags: ["t"], meta: { m: 1 } });
      await enqueue(tx, follow, { n: 2 });
      const found = await expectEnqueued(tx, follow, { n: 1 });
      const note: string | undefined = found.payload.note;
      expect({ ...found, note }).toMatchObject({
        id,
        name: "follow",
        state: "queued",
        queue: "other",
        priority: 2,
        payload: { n: 1, note: "a" },
        runAt: expect.any(Date),
        tags: ["t"],
        meta: { m: 1 },
        note: "a",
      });
    });
  });
});

const db = drivers[0]?.[1] as Database;

describe("drain", () => {
  test("runs the jobs of all queues by priority, then in the order in which they were enqueued", async () => {
    const ran: number[] = [];
    const note = defineJob({ name: "note", payload: v.number(), run: (n) => void ran.push(n) });
    await rolledBack(db, async (tx) => {
      await enqueueMany(tx, note, [1, 2, 3]);
      await enqueue(tx, note, 0, { priority: 0 });
      await enqueue(tx, note, 4, { queue: "another" });
      await drain(tx, { jobs: { note }, handlers: {} });
    });
    expect(ran.filter((n) => n < 4)).toEqual([0, 1, 2, 3]);
    expect(ran).toContain(4);
  });

  test("runs what was committed before, and leaves it as it was", async () => {
    const { id } = await enqueue(db, idle, null);
    await rolledBack(db, async (tx) => expect(await drain(tx, { jobs, handlers })).toHaveLength(1));
    expect(await jobsIn(db as unknown as Tx)).toMatchObject([{ id, state: "queued", claims: 0 }]);
    await db.delete(soniqJobs);
  });

  test("takes the whole configuration: its middleware stands around, and its onEvent is told", async () => {
    const told: WorkerEvent[] = [];
    const order: string[] = [];
    const config = defineConfig({
      connection: undefined,
      jobs: { idle },
      handlers: { idle: (_, job) => (order.push("handler"), job.log("here")) },
      middleware: [async (_, next) => (order.push("before"), void (await next()), void order.push("after"))],
      onEvent: (event) => told.push(event),
    });
    await rolledBack(db, async (tx) => {
      const { id } = await enqueue(tx, idle, null);
      const ended = await drain(tx, config);
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
  ])("says of a job that %s", async (what, run, type) => {
    const job = defineJob({ name: "one", payload: v.number(), run: (_, context) => run(context) as void });
    await rolledBack(db, async (tx) => {
      const payload = what.includes("refused") ? '"text"' : "1";
      await tx.execute(sql`insert into soniq_jobs (name, payload) values ('one', ${payload}::jsonb)`);
      expect(said(await drain(tx, { jobs: { job }, handlers: {} }))).toEqual([`one ${type}`]);
    });
  });

  test("says of a job that it was not given that nobody knows it", async () => {
    await rolledBack(db, async (tx) => {
      await enqueue(tx, idle, null);
      expect(said(await drain(tx, { jobs: {}, handlers: {} }))).toEqual(["idle unknown"]);
    });
  });

  test("runs a job to its last attempt", async () => {
    const failing = { ...handlers, write: handler(write, () => Promise.reject(new Error("no"))) };
    await rolledBack(db, async (tx) => {
      await enqueue(tx, write, 1);
      const types: string[] = [];
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        types.push(...said(await drain(tx, { jobs, handlers: failing })));
        await travel(tx, "1m");
      }
      expect(types).toEqual(["write retried", "write retried", "write dead"]);
      expect((await jobsIn(tx))[0]).toMatchObject({ state: "dead", reason: "out of attempts: no", attempt: 3 });
    });
  });

  test("leaves cancelled jobs and paused queues alone", async () => {
    await rolledBack(db, async (tx) => {
      await cancel(tx, (await enqueue(tx, idle, null)).id);
      await enqueue(tx, idle, null, { queue: "paused" });
      await tx.execute(sql`insert into soniq_queues (name, paused_at) values ('paused', now())`);
      expect(await drain(tx, { jobs, handlers })).toEqual([]);
    });
  });

  test("sends no webhooks: they stay queued", async () => {
    const pinged = defineEvent({ name: "pinged", payload: v.number() });
    await rolledBack(db, async (tx) => {
      await registerEndpoint(tx, webhooks, { url: "https://example.com/" });
      const { deliveries } = await announce(tx, pinged, 1);
      expect(await drain(tx, { jobs, handlers })).toEqual([]);
      expect(await jobsIn(tx)).toMatchObject([{ id: deliveries[0], state: "queued", claims: 0 }]);
      await travel(tx, "1h");
      expect(await drain(tx, { jobs, handlers })).toEqual([]);
    });
  });

  test("gives up where jobs enqueue each other without end", async () => {
    const again = {
      ...handlers,
      idle: handler(idle, (_, job: JobContext<Tx>) =>
        job.transaction(async (tx) => void (await enqueue(tx, idle, null))),
      ),
    };
    await rolledBack(db, async (tx) => {
      await enqueue(tx, idle, null);
      await expect(drain(tx, { jobs, handlers: again })).rejects.toThrow("drain: after 100 rounds, more jobs are due");
    });
  });

  test("in one test concerns no worker elsewhere, nor another test's jobs", async () => {
    const ran: string[] = [];
    const mine = defineJob({ name: "mine", queue: "shared", payload: v.string(), run: (who) => void ran.push(who) });
    const { settled } = await startWorker({ connection: server.url, jobs: { mine }, handlers: {}, poll: "20ms" });
    await rolledBack(db, async (first) => {
      await enqueue(first, mine, "first");
      await rolledBack(db, async (second) => {
        await enqueue(second, mine, "second");
        await drain(second, { jobs: { mine }, handlers: {} });
      });
      expect(ran).toEqual(["second"]);
      await drain(first, { jobs: { mine }, handlers: {} });
    });
    const real = await enqueue(db, mine, "worker");
    await settled(real.id, "completed");
    expect(ran).toEqual(["second", "first", "worker"]);
    await db.delete(soniqJobs);
  });
});

describe("travel", () => {
  test("lets a unique key expire, and makes everything older by as much", async () => {
    await rolledBack(db, async (tx) => {
      await enqueue(tx, idle, null, { delay: "1h" });
      await tx.execute(sql`update soniq_jobs set unique_expires_at = now() + interval '1 day'`);
      await tx.execute(
        sql`insert into soniq_schedules (name, job_name, next_run_at) values ('s', 'idle', 'infinity'), ('t', 'idle', now())`,
      );
      const times = async () => {
        const found = await tx.execute<{ age: number }>(sql`
          select extract(epoch from age)::float8 as age from (
            select now() - created_at from soniq_jobs union all select now() - run_at + interval '1 hour' from soniq_jobs
            union all select now() + interval '1 day' - unique_expires_at from soniq_jobs
            union all select now() - next_run_at from soniq_schedules where name = 't') as ages (age)`);
        return [...found].map(({ age }) => Math.round(age) + 0);
      };
      expect(await times()).toEqual([0, 0, 0, 0]);
      await travel(tx, "90m");
      expect(await times()).toEqual([5_400, 5_400, 5_400, 5_400]);
    });
  });
});

describe("an expectation that fails", () => {
  const failing = async (expected: (tx: Tx) => Promise<unknown>) =>
    rolledBack(db, (tx) =>
      expected(tx).then(
        () => expect.fail("it was met"),
        (error: unknown) => error as AssertionError,
      ),
    );

  test("says which jobs there are instead", async () => {
    const error = await failing(async (tx) => {
      const { id } = await enqueue(tx, follow, { n: 1 });
      await enqueue(tx, idle, null);
      return expectEnqueued(tx, follow, { n: 2 }).catch((reason: AssertionError) => {
        reason.message = reason.message.replaceAll(String(id), "1").replaceAll(String(id + 1), "2");
        throw reason;
      });
    });
    expect(error).toBeInstanceOf(AssertionError);
    expect(error).toMatchObject({ actual: [{ n: 1 }], expected: { n: 2 }, operator: "expectEnqueued" });
    expect(error.message).toBe(
      'no job follow with {"n":2} was enqueued; there are, newest first:\n  idle #2, queued: null\n  follow #1, queued: {"n":1}',
    );
  });

  test("says so where there are none", async () => {
    expect((await failing((tx) => expectEnqueued(tx, idle))).message).toBe(
      "no job idle was enqueued; there are no jobs at all",
    );
    const { message } = await failing((tx) => expectEnqueued(tx, follow, ({ n }) => n > 1));
    expect(message).toBe("no job follow that fits was enqueued; there are no jobs at all");
  });
});

test("an expectation may look closer, and minds no other job", async () => {
  await rolledBack(db, async (tx) => {
    await enqueueMany(tx, follow, [{ n: 1 }, { n: 5, note: "x" }, { n: 3 }]);
    await enqueue(tx, write, 7);
    expect((await expectEnqueued(tx, follow, ({ n }) => n > 3)).payload).toEqual({ n: 5, note: "x" });
    expect((await expectEnqueued(tx, follow)).payload).toEqual({ n: 3 });
    expect((await expectEnqueued(tx, write, 7)).payload).toBe(7);
    await expect(expectEnqueued(tx, follow, { n: 3, note: "x" })).rejects.toThrow(AssertionError);
  });
});

test("what would be committed is refused", async () => {
  await expect(drain(db as unknown as Tx, { jobs, handlers })).rejects.toThrow(
    "drain takes the transaction of a test that rolls it back",
  );
  await expect(travel(db, "1h")).rejects.toThrow("travel takes the transaction of a test");
});

test("a test that fails fails with its own error, and is rolled back", async () => {
  const failed = rolledBack(db, async (tx) => {
    await tx.insert(effects).values({ n: 99 });
    throw new Error("the test's own");
  });
  await expect(failed).rejects.toThrow("the test's own");
  expect(await effectsIn(server.sql)).toEqual([]);
});
