// What a handler gets wrong in its transaction, or with it: it costs an attempt and says why, and nothing is half done.
import { sql as text } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { defineConfig, defineJob, enqueue, type JobContext, type TransactionOf } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { createEffects, drivers, effects, effectsIn } from "../support/effects.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { networkTo } from "../support/network.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

describe.each(drivers)("on %s", async (_driver, database) => {
  const { db, url, sql } = await testDatabase();
  await createEffects(sql);
  type Transaction = TransactionOf<ReturnType<typeof database.openSlot>["db"]>;
  let next = 0;

  async function run(
    handle: (job: JobContext<Transaction>, n: number) => Promise<unknown>,
    settings: { connection?: string; lease?: "1s"; timeout?: "1s"; maxAttempts?: number } = {},
  ) {
    const { connection = url, lease = "20s", timeout = "1m", maxAttempts = 5 } = settings;
    const queue = `queue-${(next += 1)}`;
    const job = defineJob({ name: queue, queue, payload: v.number(), timeout, maxAttempts, backoff: () => 0 });
    const worker = await startWorker(
      defineConfig({
        connection,
        database,
        jobs: { job },
        handlers: { job: (n, context) => handle(context, n) as Promise<void> },
        pollInterval: "50ms",
        lease,
      }),
    );
    const { id } = await enqueue(db, job, 100 * next);
    const written = async () => (await effectsIn(sql)).filter((n) => Math.floor(n / 100) === next);
    return { id, n: 100 * next, worker, written, job, row: () => jobRow(db, id) };
  }

  test("a statement that it left behind when it threw commits nothing", async () => {
    const left = gate<unknown>();
    const { id, n, worker, written } = await run((job, payload) =>
      job.transaction(async (tx) => {
        if (job.attempt === 1) {
          const slow = async () => {
            await tx.execute(text`select pg_sleep(0.2)`);
            await tx.insert(effects).values({ n: payload + 99 });
          };
          void slow().then(left.open, left.open);
          throw new Error("a check failed");
        }
        await tx.insert(effects).values({ n: payload });
      }),
    );
    await worker.settled(id, "completed");
    expect(await left.opened).toBeInstanceOf(Error);
    expect(await written()).toEqual([n]);
  });

  test("a statement that fails behind its back, after the last that it waited for, takes the transaction with it", async () => {
    const { id, n, worker, written, row } = await run((job, payload) =>
      job.transaction(async (tx) => {
        await tx.insert(effects).values({ n: payload });
        if (job.attempt > 1) return;
        const careless = async () => {
          await tx.execute(text`select pg_sleep(0.2)`);
          await tx.execute(text`select 1 / 0`);
        };
        careless().catch(() => {});
      }),
    );
    await worker.settled(id, "completed");
    expect(await written()).toEqual([n]);
    expect((await row())?.attempt).toBe(2);
    expect(JSON.stringify((await row())?.errors)).toContain("is an `await` missing in the handler?");
  });

  test("a parameter that cannot be sent has failed, and not broken the connection", async () => {
    const circle: { itself?: unknown } = {};
    circle.itself = circle;
    const { id, worker, row, written } = await run(
      (job, payload) =>
        job.transaction(async (tx) => {
          await tx.insert(effects).values({ n: payload });
          await tx.execute(text`select ${text.param(circle)}::text, ${text.param(undefined)}::text`);
        }),
      { maxAttempts: 2 },
    );
    await worker.settled(id, "dead");
    expect((await row())?.errors).toHaveLength(2);
    expect(await written()).toEqual([]);
  });

  test("options that say nothing are no statement", async () => {
    const { id, n, worker, written } = await run((job, payload) =>
      job.transaction((tx) => tx.insert(effects).values({ n: payload }) as Promise<unknown>, {}),
    );
    await worker.settled(id, "completed");
    expect(await written()).toEqual([n]);
  });

  test.each([
    ["did not wait for it", async (transaction: Promise<unknown>) => void transaction.catch(() => {})],
    ["does not mind", async (transaction: Promise<unknown>) => void (await transaction.catch(() => {}))],
  ])("its failure counts, though the handler %s", async (_, treat) => {
    const { id, n, worker, written, row } = await run(async (job, payload) => {
      const failed = gate();
      await treat(
        job.transaction(async (tx) => {
          await tx.insert(effects).values({ n: payload });
          if (job.attempt > 1) return;
          setImmediate(failed.open);
          throw new Error("no");
        }),
      );
      if (job.attempt === 1) await failed.opened;
    });
    await worker.settled(id, "completed");
    expect(await written()).toEqual([n]);
    expect(await row()).toMatchObject({ attempt: 2, errors: [{ message: "no" }] });
  });

  test("a handler that knows what to do about its failure says so with a directive", async () => {
    const { id, worker, row } = await run(async (job) => {
      const failed = job.transaction(async () => Promise.reject(new Error("no")));
      return failed.catch(() => job.discard("it cannot be done"));
    });
    await worker.settled(id, "dead");
    expect((await row())?.reason).toBe("discarded: it cannot be done");
  });

  test("a connection that breaks as it is used again was not at rest for too long", async () => {
    const network = await networkTo(url);
    const { id, n, worker, written, row, job } = await run(
      (context, payload) => context.transaction((tx) => tx.insert(effects).values({ n: payload }) as Promise<unknown>),
      { connection: network.url, lease: "1s" },
    );
    await worker.settled(id, "completed");
    const rested = performance.now() + 1_200;
    await until(async () => performance.now() > rested);
    const cut = network.cutBefore("begin");
    const second = await enqueue(db, job, n + 1);
    await worker.settled(second.id, "completed");
    await cut;
    expect(await written()).toEqual([n, n + 1]);
    expect(await jobRow(db, second.id)).toMatchObject({ attempt: 1, errors: [] });
    expect(await row()).toMatchObject({ attempt: 1 });
  });

  test("while its commit is looked up, its timeout waits", async () => {
    const network = await networkTo(url);
    const { id, n, worker, written, row } = await run(
      (job, payload) =>
        job.transaction(async (tx) => {
          await tx.insert(effects).values({ n: payload });
          void network.loseReplyTo("commit\0").then(() => network.goAway());
        }),
      { connection: network.url, timeout: "1s", maxAttempts: 1 },
    );
    const away = async () => (await sql`select from soniq_jobs where id = ${id} and state = 'completed'`).length > 0;
    await until(away);
    // Longer than the timeout and the grace after it.
    const over = performance.now() + 7_500;
    await until(async () => performance.now() > over);
    await network.comeBack();
    const event = await worker.settled(id, "completed");
    expect(event.outcome.kind).toBe("completed");
    expect(await row()).toMatchObject({ state: "completed", attempt: 1, errors: [] });
    expect(await written()).toEqual([n]);
  });
});
