// A handler's transaction whose connection breaks costs no attempt; but what breaks it again and again must come to an end.
import { sql as text } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import {
  defineConfig,
  defineJob,
  enqueue,
  type JobContext,
  type TransactionOf,
  type WorkerConfig,
} from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { drivers } from "../support/effects.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

describe.each(drivers)("on %s", async (driver, database) => {
  const { db, url, sql } = await testDatabase();
  type Transaction = TransactionOf<ReturnType<typeof database.openSlot>["db"]>;
  let next = 0;

  async function run(
    handle: (job: JobContext<Transaction>) => unknown,
    {
      timeout = "1m",
      howMany = 1,
      ...config
    }: Partial<WorkerConfig> & { timeout?: "1m" | "1s"; howMany?: number } = {},
  ) {
    const queue = `queue-${(next += 1)}`;
    const job = defineJob({ name: queue, queue, payload: v.null(), timeout, maxAttempts: 2, backoff: () => 0 });
    const ids: number[] = [];
    for (let i = 0; i < howMany; i += 1) ids.push((await enqueue(db, job, null)).id);
    const worker = await startWorker(
      defineConfig({
        connection: url,
        database,
        jobs: { job },
        handlers: { job: async (_, context) => void (await handle(context)) },
        pollInterval: "50ms",
        ...config,
      }),
    );
    const [id] = ids as [number];
    return { id, ids, worker, row: () => jobRow(db, id) };
  }

  const pidOf = async (tx: Transaction) => {
    const [row] = await tx.select({ pid: text<number>`pg_backend_pid()` }).from(text`(values (1)) as one`);
    return row?.pid as number;
  };
  const dueNow = (id: number) => sql`update soniq_jobs set run_at = now() where id = ${id} and state = 'queued'`;

  test("a job that loses it each time is dead after maxCrashes, at no attempt, with what PostgreSQL said", async () => {
    const { id, worker, row } = await run(
      (job) =>
        job.transaction(async (tx) => {
          await sql`select pg_terminate_backend(${await pidOf(tx)})`;
          await tx.execute(text`select pg_sleep(60)`);
        }),
      { maxCrashes: 2 },
    );
    const released = await worker.settled(id, "queued");
    expect(released).toMatchObject({ type: "released", error: { name: "TransactionLostError" } });
    await dueNow(id);
    expect(await worker.settled(id, "dead")).toMatchObject({ error: { name: "TransactionLostError" } });
    const job = await row();
    expect(job).toMatchObject({ attempt: 0, crashes: 2, claims: 2 });
    expect(job?.errors).toHaveLength(1);
    expect(job?.reason).toMatch(
      /^its transaction lost its connection \(crash 2 of 2\): the connection of the job's transaction broke: ./,
    );
    // postgres.js drops what PostgreSQL says.
    const said = { "node-postgres": "terminating connection due to administrator command" }[driver];
    expect(job?.reason).toContain(said ?? "its log says why");
  });

  test("an attempt that ends in order makes up for those before", async () => {
    const { id, worker, row } = await run(async (job) => {
      if ((await row())?.crashes) throw new Error("in order");
      return job.transaction(async (tx) => {
        await sql`select pg_terminate_backend(${await pidOf(tx)})`;
        await tx.execute(text`select 1`);
      });
    });
    await worker.settled(id, "queued");
    expect(await row()).toMatchObject({ crashes: 1, attempt: 0 });
    await dueNow(id);
    await worker.event("retried");
    await until(async () => (await row())?.crashes !== 1);
    await worker.event("released", (event) => event.job.attempt === 2 || event.job.crashes > 1);
    expect(worker.events.flatMap((event) => ("state" in event ? [event.type] : []))).toEqual([
      "released",
      "retried",
      "released",
    ]);
    expect(await row()).toMatchObject({ crashes: 1, attempt: 1 });
  });

  test.each<[string, (tx: Transaction) => Promise<unknown>]>([
    ["at rest", () => new Promise(() => {})],
    ["busy", (tx) => tx.execute(text`select pg_sleep(60)`)],
  ])("one that PostgreSQL's transaction_timeout ends while %s is the handler's own failure", async (_, wait) => {
    const name = new URL(url).pathname.slice(1);
    await sql.unsafe(`alter database ${name} set transaction_timeout = '3s'`);
    const { id, worker, row } = await run((job) => job.transaction((tx) => wait(tx)));
    await worker.settled(id, "dead");
    await sql.unsafe(`alter database ${name} reset transaction_timeout`);
    expect(await row()).toMatchObject({
      attempt: 2,
      crashes: 0,
      reason: expect.stringMatching(/^out of attempts: PostgreSQL ended the transaction, .*transaction_timeout/),
    });
  });

  test("a job that only waited for a connection is given back at no cost, and an event says why", async () => {
    const [begun, go] = [gate(), gate()];
    const { ids, worker } = await run(
      (job) =>
        job.transaction(async () => {
          begun.open();
          await go.opened;
        }),
      { timeout: "1s", howMany: 2, maxConnections: 4, timeoutGrace: "1m" },
    );
    await begun.opened;
    const released = await worker.event("released");
    go.open();
    expect(released).toMatchObject({ error: { message: expect.stringContaining("maxConnections") } });
    expect(ids).toContain(released.job.id);
    expect(await jobRow(db, released.job.id)).toMatchObject({ crashes: 0, errors: [] });
  });
});
