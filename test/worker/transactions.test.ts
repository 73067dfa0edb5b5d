// What `job.transaction` does when it is interrupted, in another one's way, or used otherwise than it should be.
// That its writes happen exactly once is promise 4.
import { sql as text } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { cancelJob, defineConfig, defineJob, enqueue, type JobContext, type TransactionOf } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { createEffects, drivers, effects, effectsIn } from "../support/effects.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

describe.each(drivers)("on %s", async (_driver, database) => {
  const { db, url, sql } = await testDatabase();
  await createEffects(sql);
  type Transaction = TransactionOf<ReturnType<typeof database.openSlot>["db"]>;
  let next = 0;

  async function run(
    handle: (job: JobContext<Transaction>, n: number) => Promise<unknown>,
    settings: { timeout?: "2s"; lease?: "1s"; maxAttempts?: number; howMany?: number } = {},
  ) {
    const { timeout = "1m", lease = "20s", maxAttempts = 5, howMany = 1 } = settings;
    const queue = `queue-${(next += 1)}`;
    const job = defineJob({ name: queue, queue, payload: v.number(), timeout, maxAttempts, backoff: () => 0 });
    const worker = await startWorker(
      defineConfig({
        connection: url,
        database,
        jobs: { job },
        handlers: { job: async (n, context) => void (await handle(context, n)) },
        pollInterval: "50ms",
        lease,
      }),
    );
    const ids: number[] = [];
    for (let i = 0; i < howMany; i += 1) ids.push((await enqueue(db, job, 100 * next + i)).id);
    const [id] = ids as [number];
    const written = async () => (await effectsIn(sql)).filter((n) => Math.floor(n / 100) === next);
    return { id, ids, n: 100 * next, worker, written, row: () => jobRow(db, id) };
  }

  test("a timeout cancels what the backend is doing, and costs an attempt", async () => {
    const { id, n, worker, written, row } = await run(
      (job, payload) =>
        job.transaction(async (tx) => {
          await tx.insert(effects).values({ n: payload });
          if (job.attempt === 1) await tx.execute(text`select pg_sleep(60)`);
        }),
      { timeout: "2s" },
    );
    await worker.settled(id, "completed");
    expect(await row()).toMatchObject({ attempt: 2, errors: [{ name: "TimeoutError" }] });
    expect(await written()).toEqual([n]);
    expect([
      ...(await sql`select from pg_stat_activity where query like '%pg_sleep(60)' and pid <> pg_backend_pid()`),
    ]).toEqual([]);
  });

  test("so does a cancellation, and nothing is written", async () => {
    const started = gate();
    const { id, worker, written, row } = await run((job, payload) =>
      job.transaction(async (tx) => {
        await tx.insert(effects).values({ n: payload });
        started.open();
        await tx.execute(text`select pg_sleep(60)`);
      }),
    );
    await started.opened;
    expect(await cancelJob(db, id, "no longer needed")).toBe("requested");
    await worker.settled(id, "cancelled");
    expect(await written()).toEqual([]);
    expect(await row()).toMatchObject({ reason: "no longer needed" });
  });

  test("a handler that hangs in its transaction is left behind, and its connection is broken", async () => {
    let backend: number | undefined;
    const { id, n, worker, written } = await run(
      (job, payload) =>
        job.transaction(async (tx) => {
          await tx.insert(effects).values({ n: payload });
          if (job.attempt > 1) return;
          const [row] = await tx.select({ pid: text<number>`pg_backend_pid()` }).from(text`(values (1)) as one`);
          backend = row?.pid;
          await new Promise(() => {});
        }),
      { timeout: "2s" },
    );
    await worker.settled(id, "completed");
    expect(await written()).toEqual([n]);
    await until(async () => (await sql`select from pg_stat_activity where pid = ${backend as number}`).length === 0);
  });

  test("a transaction at rest for longer than the lease is ended, which costs an attempt and says why", async () => {
    const ended = gate<unknown>();
    const { id, n, worker, written, row } = await run(
      (job, payload) =>
        job
          .transaction(async (tx) => {
            await tx.insert(effects).values({ n: payload });
            if (job.attempt === 1) await new Promise(() => {});
          })
          .catch((error: unknown) => {
            ended.open(error);
            throw error;
          }),
      { lease: "1s" },
    );
    expect(await ended.opened).toMatchObject({ name: "TransactionLostError", timeout: "idle" });
    await worker.settled(id, "completed");
    expect(await written()).toEqual([n]);
    expect(await row()).toMatchObject({
      attempt: 2,
      errors: [{ name: "TransactionLostError", message: expect.stringContaining("longer lease") }],
    });
  });

  test("where another transaction is in its way, it begins again and costs no attempt", async () => {
    await sql`create table if not exists counter (n int not null)`;
    await sql`delete from counter`;
    await sql`insert into counter values (0)`;
    let begun = 0;
    const { ids, worker, row } = await run(
      (job) =>
        job.transaction(
          async (tx) => {
            begun += 1;
            const [counter] = await tx.select({ n: text<number>`n` }).from(text`counter`);
            if (begun <= 2) await until(async () => begun >= 2);
            await tx.execute(text`update counter set n = ${Number(counter?.n) + 1}`);
          },
          { isolationLevel: "serializable" },
        ),
      { howMany: 2 },
    );
    await Promise.all(ids.map((id) => worker.settled(id, "completed")));
    expect(begun).toBeGreaterThan(2);
    expect([...(await sql`select n from counter`)]).toEqual([{ n: 2 }]);
    expect(await row()).toMatchObject({ attempt: 1, claims: 1, errors: [] });
  });

  test("also where somebody has touched its job since its snapshot", async () => {
    const [begun, touched] = [gate(), gate()];
    const { id, n, worker, written } = await run((job, payload) =>
      job.transaction(
        async (tx) => {
          await tx.insert(effects).values({ n: payload });
          begun.open();
          await touched.opened;
        },
        { isolationLevel: "repeatable read" },
      ),
    );
    await begun.opened;
    await sql`update soniq_jobs set tags = '["touched"]' where id = ${id}`;
    touched.open();
    await worker.settled(id, "completed");
    expect(await written()).toEqual([n]);
  });

  test("a directive for a result rolls back, and is what becomes of the job", async () => {
    const { id, n, worker, written, row } = await run(async (job, payload) => {
      await job.transaction(async (tx) => {
        await tx.insert(effects).values({ n: payload });
        return (await jobRow(db, job.id))?.claims === 1 ? job.snooze("1ms") : undefined;
      });
    });
    await worker.settled(id, "completed");
    expect(await written()).toEqual([n]);
    expect(await row()).toMatchObject({ claims: 2, attempt: 1 });
  });

  test("what a handler throws after its transaction is told, and changes nothing", async () => {
    const { id, n, worker, written, row } = await run(async (job, payload) => {
      await job.transaction((tx) => tx.insert(effects).values({ n: payload }) as Promise<unknown>);
      throw new Error("too late");
    });
    expect(await worker.event("late-error")).toMatchObject({ job: { id }, error: { message: "too late" } });
    expect(await row()).toMatchObject({ state: "completed", attempt: 1, errors: [] });
    expect(await written()).toEqual([n]);
  });

  test("a second transaction is refused", async () => {
    const { id, n, worker, written, row } = await run(async (job, payload) => {
      const write = (tx: Transaction) => tx.insert(effects).values({ n: payload }) as Promise<unknown>;
      await job.transaction(write);
      await job.transaction(write);
    });
    await worker.settled(id, "completed");
    expect(await worker.event("late-error")).toMatchObject({
      error: { message: expect.stringContaining("job.transaction was called twice") },
    });
    expect(await written()).toEqual([n]);
    expect(await row()).toMatchObject({ attempt: 1 });
  });

  test("a statement that fails takes the transaction with it, though the handler goes on", async () => {
    const { id, written, worker, row } = await run(
      (job, payload) =>
        job.transaction(async (tx) => {
          await tx.insert(effects).values({ n: payload });
          await tx.execute(text`select 1 / 0`).then(undefined, () => {});
        }),
      { maxAttempts: 1 },
    );
    await worker.settled(id, "dead");
    expect(await written()).toEqual([]);
    expect((await row())?.reason).toMatch(/^out of attempts: a statement of the job's transaction had failed/);
  });

  test("many jobs take turns on the connections", async () => {
    const { ids, worker, written } = await run(
      (job, payload) => job.transaction((tx) => tx.insert(effects).values({ n: payload }) as Promise<unknown>),
      { howMany: 50 },
    );
    await Promise.all(ids.map((id) => worker.settled(id, "completed")));
    expect(await written()).toHaveLength(50);
  });
});
