// Under load a worker claims more jobs than it has slots: some wait in its hand for a moment.
import { expect, test } from "vitest";
import * as v from "valibot";
import { cancelJob, defineJob, enqueue, enqueueMany, type WorkerConfig } from "../../src/index.ts";
import { pauseQueue, resumeQueue } from "../../src/admin.ts";
import { testDatabase } from "../support/database.ts";
import { type Gate, gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const slots = 2;

/** A worker amid many jobs, with its slots blocked: some of the jobs it holds have started, and some have not. */
async function loaded(queue: string, poll: WorkerConfig["pollInterval"] = "100ms") {
  let block: Gate | undefined;
  const started: number[] = [];
  let running = 0;
  let mostAtOnce = 0;
  const job = defineJob({
    name: queue,
    queue,
    payload: v.null(),
    run: async (_, { id, signal }) => {
      started.push(id);
      running += 1;
      mostAtOnce = Math.max(mostAtOnce, running);
      const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
      if (block) await Promise.race([block.opened, aborted]);
      running -= 1;
      signal.throwIfAborted();
    },
  });
  const queues = { [queue]: { concurrency: slots } };
  const config: WorkerConfig = {
    connection: url,
    jobs: { job },
    handlers: {},
    queues,
    pollInterval: poll,
    lease: "4s",
  };
  await enqueueMany(db, job, Array<null>(400).fill(null));
  const worker = await startWorker(config);
  for (;;) {
    await enqueueMany(db, job, Array<null>(400).fill(null));
    const before = started.length;
    await until(async () => started.length > before + 200);
    block = gate();
    await until(async () => running === slots);
    const held = await sql<
      { id: number }[]
    >`select id::int from soniq_jobs where queue = ${queue} and state = 'active'`;
    const unstarted = held.map(({ id }) => id).filter((id) => !started.includes(id));
    const goOn = () => {
      block?.open();
      block = undefined;
    };
    if (unstarted.length > 0) {
      return {
        ...worker,
        job,
        config,
        started,
        blocked: started.slice(-slots),
        unstarted,
        goOn,
        most: () => mostAtOnce,
      };
    }
    // The machine was too busy for the worker to be: once more.
    goOn();
  }
}

test("its slots are never exceeded, and each job runs once", async () => {
  const { goOn, started, blocked, unstarted, settled, most } = await loaded("slots");
  goOn();
  await Promise.all([...blocked, ...unstarted].map((id) => settled(id, "completed")));
  expect(new Set(started).size).toBe(started.length);
  expect(most()).toBe(slots);
});

test("as the worker stops, what has not started is given back and has lost nothing", async () => {
  const { worker, started, blocked, unstarted } = await loaded("stop");
  await worker.stop({ timeout: 0 });
  expect(started.filter((id) => unstarted.includes(id))).toEqual([]);
  const rows = await sql`
    select distinct state, attempt, crashes, worker_id from soniq_jobs where id = any (${[...blocked, ...unstarted]})`;
  expect([...rows]).toEqual([{ state: "queued", attempt: 0, crashes: 0, worker_id: null }]);
});

test.each(["100ms", "10m"] as const)(
  "what does not get to start is left to other workers: polling each %s",
  async (poll) => {
    const queue = `stale-${poll}`;
    const { config, started, unstarted } = await loaded(queue, poll);
    const idle = await startWorker({ ...config, handlers: { job: () => {} }, pollInterval: "100ms" });
    await Promise.all(unstarted.map((id) => idle.settled(id, "completed")));
    expect(started.filter((id) => unstarted.includes(id))).toEqual([]);
    const attempts = await sql`select distinct attempt, crashes from soniq_jobs where id = any (${unstarted})`;
    expect([...attempts]).toEqual([{ attempt: 1, crashes: 0 }]);
  },
);

test("as its queue is paused, what has not started goes back to its place, and is the next to run when the queue goes on", async () => {
  const { goOn, started, blocked, unstarted, settled } = await loaded("pause", "10m");
  const places = () => sql`
    select id::int, run_at::text, attempt, crashes, state from soniq_jobs where id = any (${unstarted}) and state = 'queued' order by run_at, id`;
  const held = await sql<{ id: number }[]>`
    select id::int, run_at::text, attempt - 1 as attempt, crashes, 'queued' as state from soniq_jobs
    where id = any (${unstarted}) and state = 'active' order by run_at, id`;
  await pauseQueue(db, "pause");
  await until(async () => (await places()).length === unstarted.length);
  expect([...(await places())]).toEqual(expect.arrayContaining([...held]));
  goOn();
  await Promise.all(blocked.map((id) => settled(id, "completed")));
  const before = started.length;
  expect(started.filter((id) => unstarted.includes(id))).toEqual([]);
  await resumeQueue(db, "pause");
  await Promise.all(held.map(({ id }) => settled(id, "completed")));
  expect(started.slice(before, before + held.length)).toEqual(held.map(({ id }) => id));
});

test("a job that is cancelled before it starts does not run", async () => {
  const { goOn, started, unstarted, settled, job } = await loaded("cancel");
  const id = unstarted.at(-1) as number;
  await cancelJob(db, id, "no longer wanted");
  await until(async () => (await jobRow(db, id))?.state === "cancelled");
  goOn();
  await settled((await enqueue(db, job, null, { priority: 9 })).id, "completed");
  expect(started).not.toContain(id);
  expect(await jobRow(db, id)).toMatchObject({ state: "cancelled", reason: "no longer wanted" });
});

test("what was taken from the worker before it started does not run there", async () => {
  const { goOn, started, unstarted, job, event, settled } = await loaded("taken");
  const heir = await sessionOf(db);
  await sql.begin((tx) => [
    tx`update soniq_workers set ended_at = now() where queues ? 'taken'`,
    tx`update soniq_jobs set state = 'active', worker_id = ${heir}, claims = claims + 1
      where queue = 'taken' and state in ('queued', 'active')`,
  ]);
  await event("session-lost");
  goOn();
  // It would start what waits in its hand before what it claims now.
  await settled((await enqueue(db, job, null)).id, "completed");
  expect(started.filter((id) => unstarted.includes(id))).toEqual([]);
});

test("with a batchSize of 1, no job waits in its hand however fast the others were", async () => {
  const block = gate();
  let begun = 0;
  const job = defineJob({
    name: "single",
    queue: "single",
    payload: v.boolean(),
    run: async (blocks) => {
      begun += 1;
      if (blocks) await block.opened;
    },
  });
  await enqueueMany(db, job, Array<boolean>(300).fill(false));
  await enqueueMany(db, job, Array<boolean>(300).fill(true));
  const queues = { single: { concurrency: slots } };
  await startWorker({ connection: url, jobs: { job }, handlers: {}, queues, batchSize: 1 });
  await until(async () => begun === 300 + slots);
  const [held] = await sql`select count(*)::int from soniq_jobs where queue = 'single' and state = 'active'`;
  expect(held).toEqual({ count: slots });
  block.open();
});
