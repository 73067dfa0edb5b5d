// What is told of workers, whether they live, have fallen silent, or have ended.
import * as v from "valibot";
import { beforeEach, expect, test } from "vitest";
import { defineJob, enqueueMany } from "../../src/index.ts";
import { listWorkers } from "../../src/admin.ts";
import { endSession, openSession } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { claimAs, expireLease } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

beforeEach(() => sql`truncate soniq_workers, soniq_jobs`);

const session = (host: string, queues: Record<string, number> = {}) =>
  openSession(db, { host, pid: 7, version: "1.2.3", queues, leaseMs: 60_000 });

test("a queue may be called what all objects have", async () => {
  await session("a", { constructor: 2 });
  expect((await listWorkers(db))[0]?.queues).toEqual([{ name: "constructor", active: 0, concurrency: 2 }]);
});

test("a worker is told with its queues, and how many jobs of each it has", async () => {
  const mail = defineJob({ name: "mail", queue: "mail", payload: v.number() });
  const id = await session("a", { slow: 2, mail: 5 });
  await enqueueMany(db, mail, [1, 2, 3]);
  await claimAs(db, id, { queue: "mail", limit: 2 });
  const [worker] = await listWorkers(db);
  expect(worker).toEqual({
    id,
    host: "a",
    pid: 7,
    version: "1.2.3",
    queues: [
      { name: "mail", active: 2, concurrency: 5 },
      { name: "slow", active: 0, concurrency: 2 },
    ],
    startedAt: expect.any(Date),
    beatAt: expect.any(Date),
    leaseLeftMs: expect.any(Number),
    endedAt: null,
    state: "live",
  });
  expect(worker?.leaseLeftMs).toBeGreaterThan(0);
  expect(worker?.leaseLeftMs).toBeLessThanOrEqual(60_000);
});

test("one that is silent for longer than its lease, and one that has ended, are told from those that live", async () => {
  const live = await session("live");
  const silent = await session("silent");
  const ended = await session("ended");
  await endSession(db, ended);
  await expireLease(sql, silent);
  const workers = await listWorkers(db);
  expect(workers.map(({ id, state }) => [id, state])).toEqual([
    [silent, "silent"],
    [live, "live"],
    [ended, "ended"],
  ]);
  expect(workers[0]?.leaseLeftMs).toBeLessThan(0);
  expect(workers.map(({ endedAt }) => endedAt)).toEqual([null, null, expect.any(Date)]);
});

test("a worker that runs is told as it is", async () => {
  const opened = gate<void>();
  const job = defineJob({ name: "hold", payload: v.null(), run: () => opened.opened });
  await startWorker({ connection: url, jobs: { job }, handlers: {}, queues: { default: { concurrency: 3 } } });
  await enqueueMany(db, job, [null, null]);
  const [worker] = await until(async () => {
    const workers = await listWorkers(db);
    return workers[0]?.queues[0]?.active === 2 ? workers : undefined;
  });
  expect(worker).toMatchObject({ pid: process.pid, state: "live", queues: [{ name: "default", concurrency: 3 }] });
  opened.open();
});

test("of thousands no more than a thousand are told, and those that live first", async () => {
  await sql`insert into soniq_workers (started_at, ended_at) select now() - n * interval '1 second', now() from generate_series(1, 1500) n`;
  const live = await session("live");
  const workers = await listWorkers(db);
  expect(workers).toHaveLength(1_000);
  expect(workers[0]?.id).toBe(live);
});
