// Promise 6. What signals do to a worker process is in test/worker/signals.test.ts.
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import * as v from "valibot";
import {
  defineJob,
  enqueue,
  enqueueMany,
  type HandlerFunction,
  type JobContext,
  type WorkerConfig,
} from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** A worker with one slot, and a job in it. */
async function workerWith(name: string, run: HandlerFunction<null, void>, settings: Partial<WorkerConfig> = {}) {
  const started = gate();
  const job = defineJob({
    name,
    queue: name,
    payload: v.null(),
    run: (payload, context) => {
      started.open();
      return run(payload, context);
    },
  });
  const config = { connection: url, jobs: { job }, handlers: {}, queues: { [name]: { concurrency: 1 } }, ...settings };
  const observed = await startWorker(config);
  const { id } = await enqueue(db, job, null);
  await started.opened;
  return { ...observed, job, config, id };
}

/** Runs until its signal is aborted, and ends with that. */
const untilAborted = (_: null, { signal }: JobContext) =>
  new Promise<void>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a worker that stops lets its running jobs finish, and claims no more", async () => {
  const finish = gate();
  let stopped = false;
  const { worker, job, id } = await workerWith("finish", () => finish.opened);
  const stopping = worker.stop().then(() => (stopped = true));
  const { id: later } = await enqueue(db, job, null);
  expect(stopped).toBe(false);
  finish.open();
  await stopping;
  expect(await jobRow(db, id)).toMatchObject({ state: "completed", attempt: 1 });
  expect(await jobRow(db, later)).toMatchObject({ state: "queued", claims: 0, attempt: 0 });
});

test("its session lives on while they finish, and ends with the last", async () => {
  const finish = gate();
  const { worker, id } = await workerWith("session", () => finish.opened);
  const stopping = worker.stop();
  const session = (await jobRow(db, id))?.workerId as string;
  const ended = async () =>
    (await sql`select from soniq_workers where id = ${session} and ended_at is not null`).length;
  expect(await ended()).toBe(0);
  finish.open();
  await stopping;
  expect(await ended()).toBe(1);
});

test("nobody takes its jobs from it, however much longer than a lease that takes", async () => {
  const finish = gate();
  const { worker, config, id } = await workerWith("longer", () => finish.opened, { lease: "4s" });
  const stopping = worker.stop();
  const sweeper = await startWorker({
    ...config,
    jobs: {},
    queues: { none: { concurrency: 1 } },
    rescueInterval: "50ms",
  });
  const session = (await jobRow(db, id))?.workerId as string;
  const lease = async () =>
    (await sql`select lease_expires_at as until from soniq_workers where id = ${session}`)[0]?.["until"] as Date;
  const first = await lease();
  // Past the end of the lease that it had when it was told to stop.
  await until(async () => (await lease()).getTime() > first.getTime() + 4_500);
  finish.open();
  await stopping;
  expect(await jobRow(db, id)).toMatchObject({ state: "completed", attempt: 1, claims: 1, crashes: 0 });
  expect(sweeper.events).toEqual([]);
});

test("what is not done when the drain time is over is aborted, given back, and has spent no attempt", async () => {
  const { worker, config, id } = await workerWith("too-long", untilAborted);
  await worker.stop({ timeout: "50ms" });
  expect(await jobRow(db, id)).toMatchObject({ state: "queued", attempt: 0, claims: 1, crashes: 0, errors: [] });
  const next = await startWorker({ ...config, handlers: { job: () => {} } });
  await next.settled(id, "completed");
  expect(await jobRow(db, id)).toMatchObject({ attempt: 1, claims: 2 });
});

test("the drain time is the configuration's", async () => {
  const job = defineJob({ name: "configured", queue: "configured", payload: v.null(), run: untilAborted });
  const { worker, event, events } = await startWorker({
    connection: url,
    jobs: { job },
    handlers: {},
    shutdownTimeout: "50ms",
  });
  await enqueue(db, job, null);
  await event("started");
  await worker.stop();
  const ofJob = events.filter(({ type }) => type === "started" || type === "released");
  expect(ofJob).toMatchObject([{ type: "started" }, { type: "released", state: "queued" }]);
});

test("a handler that does well all the same has done its work", async () => {
  const { worker, id } = await workerWith("well", (payload, job) => untilAborted(payload, job).catch(() => {}));
  await worker.stop({ timeout: "50ms" });
  expect(await jobRow(db, id)).toMatchObject({ state: "completed", attempt: 1 });
});

test("a handler that ignores its signal is not waited for", async () => {
  const { worker, id } = await workerWith("ignoring", () => new Promise(() => {}));
  await worker.stop({ timeout: 0 });
  expect(await jobRow(db, id)).toMatchObject({ state: "queued", attempt: 0, crashes: 0 });
});

test("a worker that is told a second time to stop, with less time, takes no more than that", async () => {
  const { worker, id } = await workerWith("twice", untilAborted);
  const patient = worker.stop({ timeout: "1h" });
  await worker.stop({ timeout: 0 });
  await patient;
  expect(await jobRow(db, id)).toMatchObject({ state: "queued", attempt: 0, crashes: 0 });
});

test("in the midst of many jobs, each is either done or as if nobody had touched it", async () => {
  const done = new Set<number>();
  const many = defineJob({
    name: "many",
    queue: "many",
    payload: v.number(),
    run: async (n, { signal }) => {
      await sleep(n % 7, undefined, { signal });
      done.add(n);
    },
  });
  await enqueueMany(
    db,
    many,
    Array.from({ length: 3_000 }, (_, n) => n),
  );
  const queues = { many: { concurrency: 10 } };
  const { worker } = await startWorker({ connection: url, jobs: { many }, handlers: {}, queues });
  await until(async () => done.size > 500);
  await worker.stop({ timeout: 0 });
  const rows =
    await sql`select state, attempt, crashes, count(*)::int as jobs from soniq_jobs where queue = 'many' group by 1, 2, 3 order by 1`;
  expect([...rows]).toEqual([
    { state: "completed", attempt: 1, crashes: 0, jobs: done.size },
    { state: "queued", attempt: 0, crashes: 0, jobs: 3_000 - done.size },
  ]);
});
