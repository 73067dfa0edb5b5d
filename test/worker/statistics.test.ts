// What workers add to the statistics as they work, and what they tell of it in their own process.
import * as v from "valibot";
import { beforeEach, expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { findBucket } from "../../src/stats/histogram.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { claimAs, expireLease, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { observedWorker, startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
beforeEach(() => sql`truncate soniq_stats, soniq_jobs`);

/** All that is counted, by queue, name and measure; of histograms, whatever the bucket. */
async function counted(): Promise<Record<string, number>> {
  const rows = await sql<{ what: string; count: number }[]>`
    select queue || ' ' || name || ' ' || measure as what, sum(count)::int as count from soniq_stats group by 1 order by 1`;
  return Object.fromEntries(rows.map(({ what, count }) => [what, count]));
}

const noop = defineJob({ name: "noop", payload: v.null(), run: () => {} });
const config = { connection: url, jobs: { noop }, handlers: {} };

test("each attempt is counted by its end, with how long it took and how long its job had been due", async () => {
  const job = defineJob({
    name: "counted",
    payload: v.string(),
    run: (what, { attempt, snooze, cancel, discard }) => {
      if (what === "retried" && attempt === 1) throw new Error("not yet");
      if (what === "snoozed") return snooze("1h");
      if (what === "cancelled") return cancel("enough");
      if (what === "dead") return discard("no");
    },
    backoff: () => 0,
  });
  await enqueueMany(db, job, ["a", "b", "retried", "snoozed", "cancelled", "dead"]);
  const { worker, event } = await startWorker({ ...config, jobs: { job } });
  await event("completed", ({ job: { attempt } }) => attempt === 2);
  await worker.drain({ wait: 0 });
  expect(await counted()).toEqual({
    "default counted cancelled": 1,
    "default counted completed": 3,
    "default counted dead": 1,
    "default counted retried": 1,
    "default counted run": 7,
    "default counted snoozed": 1,
    "default counted wait": 7,
  });
});

test("a worker that lives on writes every few seconds, and what it has written but once", async () => {
  const { worker, settled } = await startWorker(config);
  await settled((await enqueue(db, noop, null)).id);
  await until(async () => (await counted())["default noop completed"] === 1);
  await settled((await enqueue(db, noop, null)).id);
  await worker.stop();
  expect(await counted()).toMatchObject({ "default noop completed": 2, "default noop run": 2, "default noop wait": 2 });
});

test("how long a job had been due goes by the database's clock, from its time to its claim", async () => {
  await sql`insert into soniq_jobs (name, payload, run_at) values
    ('noop', 'null', now() - interval '100 seconds'), ('noop', 'null', '-infinity')`;
  const { worker, events } = observedWorker({ ...config, pollInterval: "10ms" });
  await worker.drain({ wait: 0 });
  const waits = events.flatMap((event) => (event.type === "completed" ? [event.job.waitMs] : []));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(100_000);
  expect(Math.min(...waits)).toBeLessThan(130_000);
  expect(Math.max(...waits)).toBe(2 ** 31 - 1);
  const rows = await sql<{ bucket: number }[]>`select bucket from soniq_stats where measure = 'wait' order by bucket`;
  expect(rows.map(({ bucket }) => bucket)).toEqual([findBucket(100_000), 23]);
});

test("names that the worker does not know are one", async () => {
  await sql`insert into soniq_jobs (name, payload) select 'stranger ' || n, 'null' from generate_series(1, 30) n`;
  const { worker, event } = await startWorker({ ...config, unknownJobGrace: 0 });
  for (let n = 1; n <= 30; n += 1) await event("dead", ({ job: { name } }) => name === `stranger ${n}`);
  await worker.stop();
  expect(Object.keys(await counted())).toEqual(["default other dead"]);
  expect(worker.activity().attempts).toMatchObject([{ queue: "default", name: "other", ended: { dead: 30 } }]);
});

test("jobs that are rescued from dead workers are counted as such, or by their end", async () => {
  const elsewhere = defineJob({ name: "elsewhere", queue: "elsewhere", payload: v.null() });
  const [first] = await enqueueMany(db, elsewhere, [null, null]);
  await sql`update soniq_jobs set crashes = 4 where id = ${first?.id as number}`;
  const dead = await sessionOf(db);
  await claimAs(db, dead, { queue: "elsewhere" });
  await expireLease(sql, dead);
  const { worker, event } = await startWorker({ ...config, rescueInterval: "50ms" });
  await event("rescued");
  await worker.stop();
  expect(await counted()).toEqual({ "other other dead": 1, "other other rescued": 1 });
});

test("an attempt whose job was taken from the worker is fenced, and nothing else", async () => {
  const [started, finish] = [gate(), gate()];
  const job = defineJob({
    name: "slow",
    payload: v.null(),
    run: async () => {
      started.open();
      await finish.opened;
    },
  });
  const { id } = await enqueue(db, job, null);
  const { worker, event } = await startWorker({ ...config, jobs: { job } });
  await started.opened;
  expect(worker.activity()).toMatchObject({ slots: 10, running: 1 });
  await sql`update soniq_jobs set state = 'completed', worker_id = null, finished_at = now() where id = ${id}`;
  finish.open();
  await event("fenced");
  await worker.stop();
  expect(await counted()).toEqual({ "default slow fenced": 1 });
});

test("what cannot be written is said, kept, and written with what comes since", async () => {
  const { worker, event, settled } = await startWorker(config);
  await sql`alter table soniq_stats rename to away`;
  await settled((await enqueue(db, noop, null)).id);
  await event("error", ({ operation }) => operation === "writing statistics");
  await settled((await enqueue(db, noop, null)).id);
  await sql`alter table away rename to soniq_stats`;
  await worker.stop();
  expect(await counted()).toMatchObject({ "default noop completed": 2 });
});

test("a worker that may not write statistics works and ends as others do, and says of them alone that they fail", async () => {
  const { worker, settled, events } = await startWorker(config);
  await sql`alter table soniq_stats rename to away`;
  await settled((await enqueue(db, noop, null)).id);
  await worker.stop();
  await sql`alter table away rename to soniq_stats`;
  const troubles = events.flatMap((event) => (event.type === "error" ? [event.operation] : []));
  expect(troubles).toContain("writing statistics");
  expect(troubles).not.toContain("ending the session");
  expect(await sql`select from soniq_workers where ended_at is null`).toHaveLength(0);
});

test("a worker tells its activity at any time: batches, slots, and how often it lost session and bells", async () => {
  const { worker, event } = observedWorker({ ...config, lease: "400ms", queues: { default: { concurrency: 7 } } });
  const none = { slots: 7, running: 0, attempts: [], claims: {}, sessionsLost: 0, relistens: 0 };
  expect(worker.activity()).toMatchObject({ ...none, settles: { sum: 0 } });
  await enqueueMany(db, noop, [null, null, null]);
  await worker.start();
  await event("completed");
  await until(async () => worker.activity().settles.sum === 3);
  const { claims, settles } = worker.activity();
  expect(claims["default"]).toMatchObject({ sum: 3 });
  expect(settles.counts.reduce((all, count) => all + count, 0)).toBeGreaterThan(0);

  await sql`update soniq_workers set ended_at = now() where ended_at is null`;
  await event("session-lost");
  expect(worker.activity().sessionsLost).toBe(1);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query like '%listen "soniq_resume"'`;
  await until(async () => worker.activity().relistens > 0);

  const before = worker.activity();
  await enqueue(db, noop, null);
  await until(async () => worker.activity().settles.sum === 4);
  // What was told does not change any more.
  expect(before.settles.sum).toBe(3);
  await worker.stop();
  expect(worker.activity().attempts).toMatchObject([{ name: "noop", ended: { completed: 4 } }]);
});
