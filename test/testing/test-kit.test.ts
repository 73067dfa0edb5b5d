// The test kit: what an application's tests do to jobs in a transaction that is rolled back, over each driver.
import { AssertionError } from "node:assert";
import { sql } from "drizzle-orm";
import { drizzle as overNodePostgres } from "drizzle-orm/node-postgres";
import { drizzle as overPostgresJs } from "drizzle-orm/postgres-js";
import { Pool } from "pg";
import postgres from "postgres";
import { afterAll, describe, expect, test } from "vitest";
import { soniqJobs } from "../../schema/index.ts";
import { enqueue, enqueueMany, defineHandler, type JobContext } from "../../src/index.ts";
import { runJobs, expectEnqueued, withRollback, travel } from "../../src/testing.ts";
import { testDatabase } from "../support/database.ts";
import { createEffects, effects, effectsIn } from "../support/effects.ts";
import { type Database, follow, handlers, idle, jobs, jobsIn, said, type Tx, write } from "../support/kit-jobs.ts";
import { testPglite } from "../support/pglite.ts";

const server = await testDatabase();
await createEffects(server.sql);
const schema = { effects };
const client = postgres(server.url, { max: 2, onnotice: () => {} });
const pool = new Pool({ connectionString: server.url, max: 2 });
afterAll(() => Promise.all([client.end(), pool.end()]));

const drivers: [name: string, db: Database][] = [
  ["postgres.js", overPostgresJs({ client, schema })],
  ["node-postgres", overNodePostgres({ client: pool, schema }) as unknown as Database],
  ["PGlite", (await testPglite()).db as unknown as Database],
];

describe.each(drivers)("over %s", (_, db) => {
  test("jobs run in the test's transaction, with those that they enqueue, and nothing of it stays", async () => {
    const { ended, within } = await withRollback(db, async (tx) => {
      const { id } = await enqueue(tx, write, 1);
      const done = await runJobs(tx, { jobs, handlers });
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
    await withRollback(db, async (tx) => {
      await enqueue(tx, write, 7);
      const broken = defineHandler(write, (n, job: JobContext<Tx>) =>
        job.transaction(async (inner) => {
          await inner.insert(effects).values({ n });
          await inner.execute(sql`select 1 / 0`);
          return "never";
        }),
      );
      const [ended] = await runJobs(tx, { jobs, handlers: { ...handlers, write: broken } });
      expect(ended).toMatchObject({ type: "retried", outcome: { error: { message: "division by zero" } } });
      expect(await tx.select().from(effects)).toEqual([]);
    });
  });

  test("what failed runs again once the test has travelled past its backoff, and not before", async () => {
    await withRollback(db, async (tx) => {
      await enqueue(tx, idle, null);
      const failing = { ...handlers, idle: defineHandler(idle, () => Promise.reject(new Error("away"))) };
      const ends: string[][] = [];
      const run = async () => void ends.push(said(await runJobs(tx, { jobs, handlers: failing })));
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
    await withRollback(db, async (tx) => {
      await enqueue(tx, idle, null, { delay: "2h" });
      expect(await runJobs(tx, { jobs, handlers })).toEqual([]);
      await travel(tx, "1h");
      expect(await runJobs(tx, { jobs, handlers })).toEqual([]);
      await travel(tx, "1h");
      expect(said(await runJobs(tx, { jobs, handlers }))).toEqual(["idle completed"]);
    });
  });

  test("a job that was enqueued is found by its payload, with its type", async () => {
    await withRollback(db, async (tx) => {
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

describe("travel", () => {
  test("lets a unique key expire, and makes everything older by as much", async () => {
    await withRollback(db, async (tx) => {
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
    withRollback(db, (tx) =>
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
      'no job follow with {"n":2} was enqueued; existing jobs, newest first:\n  idle #2, queued: null\n  follow #1, queued: {"n":1}',
    );
  });

  test("says so where there are none", async () => {
    expect((await failing((tx) => expectEnqueued(tx, idle))).message).toBe(
      "no job idle was enqueued; there are no jobs",
    );
    const { message } = await failing((tx) => expectEnqueued(tx, follow, ({ n }) => n > 1));
    expect(message).toBe("no job follow that the function accepts was enqueued; there are no jobs");
  });
});

test("an expectation may look closer, and minds no other job", async () => {
  await withRollback(db, async (tx) => {
    await enqueueMany(tx, follow, [{ n: 1 }, { n: 5, note: "x" }, { n: 3 }]);
    await enqueue(tx, write, 7);
    expect((await expectEnqueued(tx, follow, ({ n }) => n > 3)).payload).toEqual({ n: 5, note: "x" });
    expect((await expectEnqueued(tx, follow)).payload).toEqual({ n: 3 });
    expect((await expectEnqueued(tx, write, 7)).payload).toBe(7);
    await expect(expectEnqueued(tx, follow, { n: 3, note: "x" })).rejects.toThrow(AssertionError);
  });
});

test("what would be committed is refused", async () => {
  await expect(runJobs(db as unknown as Tx, { jobs, handlers })).rejects.toThrow(
    "runJobs needs a transaction that the test rolls back",
  );
  await expect(travel(db, "1h")).rejects.toThrow("travel needs a transaction that the test rolls back");
});

test("a test that fails fails with its own error, and is rolled back", async () => {
  const failed = withRollback(db, async (tx) => {
    await tx.insert(effects).values({ n: 99 });
    throw new Error("the test's own");
  });
  await expect(failed).rejects.toThrow("the test's own");
  expect(await effectsIn(server.sql)).toEqual([]);
});
