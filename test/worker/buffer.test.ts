// Under load a worker claims more jobs than it has slots: some wait in its hand for a moment.
import { expect, test } from "vitest";
import * as v from "valibot";
import { cancel, defineJob, enqueue, enqueueMany, type WorkerConfig } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const slots = 2;

/** A worker that quick jobs have brought up to speed, when jobs come that block its slots: some of them it holds, unstarted. */
async function loaded(queue: string, poll: WorkerConfig["poll"] = "100ms") {
  const finish = gate();
  const ran: number[] = [];
  let running = 0;
  let mostAtOnce = 0;
  const job = defineJob({
    name: queue,
    queue,
    payload: v.picklist(["quick", "slow"]),
    run: async (pace, { id, signal }) => {
      running += 1;
      mostAtOnce = Math.max(mostAtOnce, running);
      if (pace === "slow") {
        ran.push(id);
        await Promise.race([finish.opened, new Promise((aborted) => signal.addEventListener("abort", aborted))]);
      }
      running -= 1;
      signal.throwIfAborted();
    },
  });
  await enqueueMany(db, job, Array<"quick">(500).fill("quick"));
  const slow = (await enqueueMany(db, job, Array<"slow">(20).fill("slow"))).map(({ id }) => id);
  const config: WorkerConfig = {
    connection: url,
    jobs: { job },
    handlers: {},
    queues: { [queue]: { concurrency: slots } },
    poll,
    lease: "4s",
  };
  const worker = await startWorker(config);
  const unstarted = await until(async () => {
    const rows = await sql<{ id: number }[]>`
      select id::int from soniq_jobs where id = any (${slow}) and state = 'active' and not id = any (${ran})`;
    return ran.length === slots && rows.length > 0 && rows.map(({ id }) => id);
  });
  return { ...worker, job, config, slow, unstarted, ran, finish, mostAtOnce: () => mostAtOnce };
}

test("its slots are never exceeded, and all jobs run once", async () => {
  const { finish, ran, slow, settled, mostAtOnce } = await loaded("slots");
  finish.open();
  await Promise.all(slow.map((id) => settled(id, "completed")));
  expect(ran.toSorted((a, b) => a - b)).toEqual(slow);
  expect(mostAtOnce()).toBe(slots);
});

test("as the worker stops, what has not started is given back and has lost nothing", async () => {
  const { worker, ran, slow } = await loaded("stop");
  await worker.stop({ timeout: 0 });
  expect(ran).toHaveLength(slots);
  const rows = await sql`
    select distinct state, attempt, crashes, worker_id from soniq_jobs where id = any (${slow})`;
  expect([...rows]).toEqual([{ state: "queued", attempt: 0, crashes: 0, worker_id: null }]);
});

test("what does not get to start is left to other workers", async () => {
  const { config, slow, ran, job } = await loaded("stale");
  const started: number[] = [];
  const run = (_: unknown, { id }: { id: number }) => void started.push(id);
  const queues = { stale: { concurrency: 20 } };
  const idle = await startWorker({ ...config, jobs: { job }, handlers: { job: run }, queues });
  const others = slow.filter((id) => !ran.includes(id));
  await Promise.all(others.map((id) => idle.settled(id, "completed")));
  expect(started.toSorted((a, b) => a - b)).toEqual(others);
  const attempts = await sql`select distinct attempt from soniq_jobs where id = any (${others})`;
  expect([...attempts]).toEqual([{ attempt: 1 }]);
});

test("also by a worker that polls seldom", async () => {
  const { unstarted } = await loaded("seldom", "10m");
  await until(async () => {
    const [held] = await sql`select from soniq_jobs where id = any (${unstarted}) and state = 'active' limit 1`;
    return !held;
  });
  const rows = await sql`select distinct state, attempt from soniq_jobs where id = any (${unstarted})`;
  expect([...rows]).toEqual([{ state: "queued", attempt: 0 }]);
});

test("a job that is cancelled before it starts does not run", async () => {
  const { unstarted, ran, finish, slow, settled } = await loaded("cancel");
  const id = unstarted.at(-1) as number;
  await cancel(db, id, "no longer wanted");
  await until(async () => (await jobRow(db, id))?.state === "cancelled");
  finish.open();
  await Promise.all(slow.filter((one) => one !== id).map((one) => settled(one, "completed")));
  expect(ran).not.toContain(id);
  expect(await jobRow(db, id)).toMatchObject({ state: "cancelled", reason: "no longer wanted" });
});

test("what was taken from the worker before it started does not run there", async () => {
  const { ran, slow, finish, job, event, settled } = await loaded("taken");
  const heir = await sessionOf(db);
  await sql.begin((tx) => [
    tx`update soniq_workers set ended_at = now() where queues ? 'taken'`,
    tx`update soniq_jobs set state = 'active', worker_id = ${heir}, claims = claims + 1 where id = any (${slow})`,
  ]);
  await event("session lost");
  finish.open();
  // It would start what waits in its hand before what it claims now.
  const { id } = await enqueue(db, job, "quick");
  await settled(id, "completed");
  expect(ran).toHaveLength(slots);
});
