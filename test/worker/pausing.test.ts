// Queues that are paused and go on: in every process at once, whatever is on its way.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany, InvalidValueError } from "../../src/index.ts";
import { pauseQueue, resumeQueue } from "../../src/admin.ts";
import { hasOutstanding } from "../../src/jobs/read/has-outstanding.ts";
import { settle } from "../../src/jobs/settle/settle.ts";
import { openLedger, startChild } from "../support/child.ts";
import { hold } from "../support/child.config.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** A worker of one slot whose polls take longer than the test, once it waits in its queue. */
async function idleWorker(queue: string, others: readonly string[] = []) {
  const ran: number[] = [];
  const job = defineJob({ name: queue, queue, payload: v.number(), run: (n) => void ran.push(n) });
  const queues = Object.fromEntries([queue, ...others].map((name) => [name, { concurrency: 1 }]));
  const worker = await startWorker({ connection: url, jobs: { job }, handlers: {}, queues, pollInterval: "10m" });
  await until(
    async () => (await sql`select from soniq_workers where idle_queues ? ${others.at(-1) ?? queue}`).length > 0,
  );
  return { ...worker, job, ran };
}

const numbers = (length: number) => Array.from({ length }, (_, n) => n);

test("a paused queue takes jobs and starts none; as it goes on, they run at once and in their order", async () => {
  const { job, ran, settled } = await idleWorker("ordered", ["other"]);
  await pauseQueue(db, "ordered");
  await enqueueMany(db, job, numbers(50));
  const { id } = await enqueue(db, job, 50, { priority: 0 });
  // In another queue of the same worker: what rang before it was heard before it.
  await settled((await enqueue(db, job, -1, { queue: "other" })).id, "completed");
  expect(await jobRow(db, id)).toMatchObject({ state: "queued", claims: 0 });
  expect(await resumeQueue(db, "ordered")).toBe(true);
  await until(async () => ran.length === 52);
  expect(ran).toEqual([-1, 50, ...numbers(50)]);
});

test("what other workers gave back as it was paused is run when it goes on, wherever a worker has claimed last", async () => {
  const other = await sessionOf(db);
  const ran: number[] = [];
  const job = defineJob({ name: "places", queue: "places", payload: v.number(), run: (n) => void ran.push(n) });
  await enqueueMany(db, job, numbers(1_500));
  const held = await claimAs(db, other, { queue: "places", limit: 5 });
  await startWorker({ connection: url, jobs: { job }, handlers: {}, pollInterval: "10m" });
  await until(async () => ran.length === 1_495);
  await pauseQueue(db, "places");
  await settle(
    db,
    other,
    held.map((claim) => ({ ...claim, outcome: { kind: "released", delayMs: null } })),
  );
  // Due by then, and with no bell: a worker that looks between the resume and the news of it goes on from where it was, and has
  // this one first.
  await enqueue(db, job, 1_500, { delay: 1 });
  await resumeQueue(db, "places");
  await until(async () => ran.length === 1_501);
  expect(ran.filter((n) => n < 5 || n === 1_500).toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 1_500]);
});

test("a claim that was under way as the queue was paused brings nothing to run", async () => {
  const { job, ran, settled } = await idleWorker("under-way", ["signal"]);
  await sql`create table gate (open boolean)`;
  await sql`create function wait_at_gate() returns trigger language plpgsql as
    $$ begin while not exists (select from gate) loop perform pg_sleep(0.01); end loop; return new; end $$`;
  await sql`create trigger wait_at_gate before update on soniq_jobs for each row
    when (new.state = 'active' and new.queue = 'under-way') execute function wait_at_gate()`;
  const { id } = await enqueue(db, job, 1);
  const { runAt } = { ...(await jobRow(db, id)) };
  await until(async () => (await sql`select from pg_stat_activity where wait_event = 'PgSleep'`).length > 0);
  await pauseQueue(db, "under-way");
  await settled((await enqueue(db, job, 0, { queue: "signal" })).id, "completed");
  await sql`insert into gate values (true)`;
  await until(async () => (await jobRow(db, id))?.claims === 1 && (await jobRow(db, id))?.state === "queued");
  expect(await jobRow(db, id)).toMatchObject({ attempt: 0, crashes: 0, runAt });
  expect(ran).toEqual([0]);
  await resumeQueue(db, "under-way");
  await settled(id, "completed");
});

test("all processes pause and go on; what runs is let finish", async () => {
  const { letGo, noted } = await openLedger(sql);
  await enqueueMany(
    db,
    hold,
    numbers(8).map((n) => ({ n })),
  );
  const children = [startChild(url), startChild(url)];
  const running = () => sql<{ n: number; worker: string }[]>`
    select (payload ->> 'n')::int as n, worker_id as worker from soniq_jobs where name = 'hold' and state = 'active'`;
  await until(async () => (await running()).length === 6);
  const first = await running();
  await Promise.all(first.map(({ n }) => noted(n, "started")));
  await pauseQueue(db, "default");
  const workers = [...new Set(first.map(({ worker }) => worker))];
  expect(workers).toHaveLength(children.length);
  const done = workers.map((worker) => first.find((one) => one.worker === worker)?.n as number);
  for (const n of done) await letGo(n);
  await Promise.all(done.map((n) => noted(n, "finished")));
  await until(async () => (await running()).length === 4);
  // Each worker has polled with free slots, and found no job that it may run.
  await until(
    async () =>
      (await sql`select from soniq_workers where id = any (${workers}) and idle_queues ? 'default'`).length === 2,
  );
  expect(await running()).toHaveLength(4);
  await resumeQueue(db, "default");
  await until(async () => (await running()).length === 6);
  for (const n of numbers(8)) await letGo(n);
  await until(async () => (await running()).length === 0);
});

test("a pause that is rolled back was none", async () => {
  const { job, settled } = await idleWorker("rolled-back");
  const transaction = db.transaction(async (tx) => {
    await pauseQueue(tx, "rolled-back");
    tx.rollback();
  });
  await expect(transaction).rejects.toThrow("Rollback");
  await settled((await enqueue(db, job, 1)).id, "completed");
});

test("paused again, a queue is paused since the first time; resumed again, it says that it was not paused", async () => {
  const since = async () =>
    (await sql`select paused_at from soniq_queues where name = 'twice'`)[0]?.["paused_at"] as Date;
  await pauseQueue(db, "twice");
  const first = await since();
  await pauseQueue(db, "twice");
  expect(await since()).toEqual(first);
  expect([await resumeQueue(db, "twice"), await resumeQueue(db, "twice"), await resumeQueue(db, "nobody's")]).toEqual([
    true,
    false,
    false,
  ]);
});

test("nobody waits for the jobs of a paused queue", async () => {
  await sql`insert into soniq_jobs (name, queue, payload) values ('x', 'unwanted', '{}')`;
  await pauseQueue(db, "unwanted");
  expect(await hasOutstanding(db, ["unwanted"], 0)).toBe(false);
  await resumeQueue(db, "unwanted");
  expect(await hasOutstanding(db, ["unwanted"], 0)).toBe(true);
});

describe("a queue's name", () => {
  test.each(["", "a\0b", "x".repeat(201)])("that cannot be one is an error", async (name) => {
    await expect(pauseQueue(db, name)).rejects.toThrow(InvalidValueError);
  });
});
