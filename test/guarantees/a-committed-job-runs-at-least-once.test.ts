// Promise 2. What becomes of the jobs of a worker that is killed is promise 5's.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { migrate } from "../../src/database/migrate.ts";
import { testDatabase } from "../support/database.ts";
import { startEmbeddedPostgres } from "../support/embedded-postgres.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { networkTo } from "../support/network.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const often = { lease: "2s", rescueInterval: "200ms", pollInterval: "100ms" } as const;
const numbers = Array.from({ length: 300 }, (_, n) => n);

/** Counts the runs of its jobs, in memory: outside of all that breaks here. */
function countedJob(name: string) {
  const runs = new Map<number, number>();
  const job = defineJob({
    name,
    queue: name,
    payload: v.number(),
    run: async (n) => {
      await new Promise(setImmediate);
      runs.set(n, (runs.get(n) ?? 0) + 1);
    },
  });
  return { job, runs };
}

/** Resolves when all jobs of the queue are completed. Lets time pass for claims whose reply was lost, which a worker waits for. */
async function allCompleted(outside: Sql, queue: string): Promise<void> {
  await until(async () => {
    try {
      await outside`update soniq_jobs set claimed_at = claimed_at - interval '1 minute' where queue = ${queue} and state = 'active'`;
      const [left] = await outside`select from soniq_jobs where queue = ${queue} and state <> 'completed' limit 1`;
      return !left;
    } catch {
      return false;
    }
  });
}

async function expectNoAttemptLost(outside: Sql, queue: string): Promise<void> {
  const rows = await outside`select distinct attempt, errors from soniq_jobs where queue = ${queue}`;
  expect([...rows]).toEqual([{ attempt: 1, errors: [] }]);
}

test("though the network between worker and PostgreSQL breaks again and again", async () => {
  const { job, runs } = countedJob("network");
  const network = await networkTo(url);
  await enqueueMany(db, job, numbers);
  const config = { connection: network.url, jobs: { job }, handlers: {}, ...often, maxCrashes: 1_000 };
  await startWorker({ ...config, queues: { network: { concurrency: 3 } } });
  for (let cuts = 1; cuts <= 5; cuts += 1) {
    await until(async () => runs.size >= cuts * 40);
    network.cut();
  }
  await allCompleted(sql, "network");
  expect(runs.size).toBe(numbers.length);
  await expectNoAttemptLost(sql, "network");
});

test("though the reply to the worker's claim is lost", async () => {
  const { job, runs } = countedJob("claim");
  const network = await networkTo(url);
  const { id } = await enqueue(db, job, 1);
  const lost = network.loseReplyTo("<> 'started'", "with rows");
  const queues = { claim: { concurrency: 1 } };
  await startWorker({ connection: network.url, jobs: { job }, handlers: {}, queues, ...often });
  await lost;
  expect(await jobRow(db, id)).toMatchObject({ state: "active", claims: 1 });
  expect(runs.size).toBe(0);
  await allCompleted(sql, "claim");
  expect(runs.get(1)).toBe(1);
  expect(await jobRow(db, id)).toMatchObject({ claims: 2, attempt: 1, errors: [] });
});

test("and once, when the reply to the settle is lost", async () => {
  const network = await networkTo(url);
  let lost: Promise<void> | undefined;
  let runs = 0;
  const job = defineJob({
    name: "settle",
    queue: "settle",
    payload: v.null(),
    result: v.string(),
    run: () => {
      runs += 1;
      lost ??= network.loseReplyTo("= s.token");
      return "done";
    },
  });
  const worker = await startWorker({ connection: network.url, jobs: { job }, handlers: {}, ...often });
  const { id } = await enqueue(db, job, null);
  expect((await worker.settled(id)).state).toBe("completed");
  await lost;
  expect(runs).toBe(1);
  expect(await jobRow(db, id)).toMatchObject({ state: "completed", result: "done", claims: 1, attempt: 1 });
});

test("and once, when the connection breaks before the settle is carried out", async () => {
  const network = await networkTo(url);
  const finish = gate();
  const started = gate();
  let runs = 0;
  const job = defineJob({
    name: "before-settle",
    queue: "before-settle",
    payload: v.null(),
    run: async () => {
      runs += 1;
      started.open();
      await finish.opened;
      network.cut();
    },
  });
  const worker = await startWorker({ connection: network.url, jobs: { job }, handlers: {}, lease: "1h" });
  const { id } = await enqueue(db, job, null);
  await started.opened;
  finish.open();
  expect((await worker.settled(id)).state).toBe("completed");
  expect(runs).toBe(1);
  expect(await jobRow(db, id)).toMatchObject({ state: "completed", claims: 1, attempt: 1 });
});

test("though PostgreSQL crashes again and again", async () => {
  const server = await startEmbeddedPostgres({ fsync: "off" });
  const outside = postgres(server.url, { max: 1, onnotice: () => {} });
  try {
    await migrate(drizzle({ client: outside }));
    const { job, runs } = countedJob("crash");
    await enqueueMany(drizzle({ client: outside }), job, numbers);
    const config = { connection: server.url, jobs: { job }, handlers: {}, ...often, maxCrashes: 1_000 };
    const { worker } = await startWorker({ ...config, queues: { crash: { concurrency: 3 } } });
    for (let crashes = 1; crashes <= 3; crashes += 1) {
      await until(async () => runs.size >= crashes * 60);
      // A backend that dies takes the whole server down with it, into recovery.
      await until(async () => (await backends(outside))?.some(({ pid }) => wasKilled(pid)));
    }
    await allCompleted(outside, "crash");
    expect(runs.size).toBe(numbers.length);
    await expectNoAttemptLost(outside, "crash");
    await worker.stop();
  } finally {
    await outside.end({ timeout: 1 });
    await server.stop();
  }
});

/** One that has ended meanwhile was not. */
function wasKilled(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

async function backends(outside: Sql): Promise<{ pid: number }[] | undefined> {
  try {
    const found = await outside<{ pid: number }[]>`
      select pid from pg_stat_activity where application_name = 'soniq-drizzle' and backend_type = 'client backend'`;
    return found.length > 0 ? found : undefined;
  } catch {
    return undefined;
  }
}
