// Jobs that were in the hands of a worker that crashed: one of them may be what brings workers down.
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

test("no more of them wait in the hands of a worker than it may run at once: the others are given back for a while", async () => {
  const goOn = gate();
  const job = defineJob({
    name: "work",
    payload: v.picklist(["short", "long", "crashed"]),
    run: async (kind) => void (kind === "long" && (await goOn.opened)),
  });
  // Very many short jobs, for the worker to claim ahead; then one that takes its only slot.
  const long = await db.transaction(async (tx) => {
    await enqueueMany(tx, job, Array<"short">(600).fill("short"));
    const { id } = await enqueue(tx, job, "long");
    await enqueueMany(tx, job, Array<"crashed">(20).fill("crashed"));
    await tx.execute(`update soniq_jobs set crashes = 1 where payload = '"crashed"'`);
    return id;
  });
  const queues = { default: { concurrency: 1 } };
  const { settled } = await startWorker({
    connection: url,
    jobs: { job },
    handlers: {},
    queues,
    pollInterval: "200ms",
  });
  const { id } = await until(async () => {
    const [given] = await sql<{ id: number }[]>`select id::int from soniq_jobs
      where crashes = 1 and state = 'queued' and claims > 0 and run_at > now()`;
    return given;
  });
  const [waiting] = await sql`select count(*)::int as jobs from soniq_jobs where crashes = 1 and state = 'active'`;
  expect(waiting?.["jobs"]).toBeLessThanOrEqual(1);
  expect(await jobRow(db, long)).toMatchObject({ state: "active" });
  expect(await jobRow(db, id)).toMatchObject({ attempt: 0, crashes: 1, errors: [] });
  goOn.open();
  await settled(id, "completed");
  expect(await jobRow(db, id)).toMatchObject({ attempt: 1, crashes: 1 });
});

test("they start at once where slots are free", async () => {
  const job = defineJob({ name: "free", queue: "free", payload: v.number(), run: () => {} });
  const enqueued = await enqueueMany(db, job, [1, 2, 3]);
  await sql`update soniq_jobs set crashes = 1 where queue = 'free'`;
  const { settled } = await startWorker({ connection: url, jobs: { job }, handlers: {} });
  await Promise.all(enqueued.map(({ id }) => settled(id, "completed")));
  expect(await sql`select distinct claims from soniq_jobs where queue = 'free'`).toEqual([{ claims: 1 }]);
});

test("those that were in more than one crash run one at a time, beside the others, so that whose doing it was is soon alone", async () => {
  let [running, most] = [0, 0];
  const beside = new Set<string>();
  const started: string[] = [];
  const job = defineJob({
    name: "suspect",
    queue: "suspect",
    payload: v.string(),
    run: async (name) => {
      started.push(name);
      if (name === "calm") return;
      running += 1;
      most = Math.max(most, running);
      // The one that was given back must be written down by now: this might be the last that is heard of this process.
      const held =
        await sql`select payload from soniq_jobs where queue = 'suspect' and state = 'active' and crashes > 1`;
      beside.add(held.map(({ payload }) => payload as string).join());
      running -= 1;
    },
  });
  const names = ["a", "b", "c", "d"];
  const enqueued = await enqueueMany(db, job, [...names, "calm"]);
  await sql`update soniq_jobs set crashes = 2 where queue = 'suspect' and payload <> '"calm"'`;
  const { settled } = await startWorker({ connection: url, jobs: { job }, handlers: {}, pollInterval: "50ms" });
  await Promise.all(enqueued.map(({ id }) => settled(id, "completed")));
  expect(most).toBe(1);
  expect([...beside].toSorted()).toEqual(names);
  expect(started).toContain("calm");
});
