// How soon a worker that waits for work notices it. Where polling must not be what finds it, a poll takes longer than the test.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany, type HandlerFunction, type WorkerConfig } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** A worker that has said that it waits for work, when there is none. */
async function idleWorker(poll: WorkerConfig["pollInterval"] = "10m", run: HandlerFunction<number, void> = () => {}) {
  await sql`delete from soniq_jobs`;
  const job = defineJob({ name: "work", payload: v.number(), backoff: () => "50ms", run });
  const queues = { default: { concurrency: 10 }, other: { concurrency: 10 } };
  const observed = await startWorker({ connection: url, jobs: { job }, handlers: {}, queues, pollInterval: poll });
  await until(
    async () => (await sql`select from soniq_workers where idle_queues @> '["default", "other"]'`).length > 0,
  );
  const completed = () => observed.events.filter(({ type }) => type === "completed").length;
  return { ...observed, job, completed };
}

async function unfinished(): Promise<number> {
  return (await sql`select from soniq_jobs where state <> 'completed'`).length;
}

const numbers = (length: number) => Array.from({ length }, (_, n) => n);

describe("a worker that waits for work is woken up", () => {
  test("by a job", async () => {
    const { job, settled } = await idleWorker();
    await settled((await enqueue(db, job, 1)).id, "completed");
    expect(await unfinished()).toBe(0);
  });

  test("by a job in a transaction, as it commits", async () => {
    const { job, settled, events } = await idleWorker();
    const { id } = await db.transaction(async (tx) => {
      const enqueued = await enqueue(tx, job, 1);
      expect(events).toEqual([]);
      return enqueued;
    });
    await settled(id, "completed");
  });

  test("by a job that waited for later, and is rescheduled to now", async () => {
    const { settled } = await idleWorker();
    const unique = { by: [], onConflict: "reschedule" } as const;
    const job = defineJob({ name: "work", payload: v.number(), unique });
    const { id } = await enqueue(db, job, 1, { delay: "1h" });
    expect(await enqueue(db, job, 2, { delay: 0 })).toMatchObject({ id, deduplicated: true });
    await settled(id, "completed");
  });

  test("by many jobs at once", async () => {
    const { job, completed } = await idleWorker();
    await enqueueMany(db, job, numbers(300));
    await until(async () => completed() === 300);
    expect(await unfinished()).toBe(0);
  });

  test("by many jobs in a row, not each of which rings", async () => {
    const { job, completed } = await idleWorker();
    for (const n of numbers(200)) await enqueue(db, job, n);
    await until(async () => completed() === 200);
    expect(await unfinished()).toBe(0);
  });

  test("by many jobs that are enqueued at the same time", async () => {
    const { job, completed } = await idleWorker();
    await Promise.all(numbers(300).map((n) => enqueue(db, job, n)));
    await until(async () => completed() === 300);
    expect(await unfinished()).toBe(0);
  });

  test("by a job that another one enqueues while it runs", async () => {
    // In another queue: a process rings for the same one again after a while only.
    const { job, settled } = await idleWorker("10m", async (n) => {
      if (n === 1) await settled((await enqueue(db, job, 2, { queue: "other" })).id, "completed");
    });
    const { id } = await enqueue(db, job, 1);
    await settled(id, "completed");
    expect(await unfinished()).toBe(0);
  });

  test("again, after it was so busy that it said that it is not", async () => {
    const { job, settled, completed } = await idleWorker();
    await enqueueMany(db, job, numbers(2_000));
    await until(async () => completed() === 2_000);
    await until(async () => (await sql`select from soniq_workers where idle_queues @> '["default"]'`).length > 0);
    await settled((await enqueue(db, job, 1)).id, "completed");
    expect(await unfinished()).toBe(0);
  });

  test("when the connection that listens is made anew: what rang meanwhile was not heard", async () => {
    const { settled } = await idleWorker();
    const [job] = await sql`insert into soniq_jobs (name, payload) values ('work', '1') returning id::int`;
    await until(async () => {
      const ended = await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'soniq-drizzle' and query ilike 'listen%'`;
      return ended.length > 0;
    });
    await settled(job?.["id"] as number, "completed");
    expect(await unfinished()).toBe(0);
  });
});

describe("nothing needs to ring for", () => {
  test("a job from a plain SQL insert, found by polling", async () => {
    const { settled } = await idleWorker("200ms");
    const [job] = await sql`insert into soniq_jobs (name, payload) values ('work', '1') returning id::int`;
    await settled(job?.["id"] as number, "completed");
    expect(await unfinished()).toBe(0);
  });

  test("a job for later, found by polling when it is due", async () => {
    const { job, settled } = await idleWorker("200ms");
    await settled((await enqueue(db, job, 1, { delay: "250ms" })).id, "completed");
    expect(await unfinished()).toBe(0);
  });

  test("a job that failed and is due again before the next poll", async () => {
    const { job, settled } = await idleWorker("10m", (_, { attempt }) => {
      if (attempt < 3) throw new Error("again");
    });
    const { id } = await enqueue(db, job, 1);
    await settled(id, "completed");
    expect(await jobRow(db, id)).toMatchObject({ attempt: 3 });
  });

  test("a job that was snoozed and is due again before the next poll", async () => {
    let runs = 0;
    const job = defineJob({
      name: "snoozing",
      payload: v.null(),
      run: (_, context) => ((runs += 1) < 3 ? context.snooze("50ms") : undefined),
    });
    const { settled } = await startWorker({ connection: url, jobs: { job }, handlers: {}, pollInterval: "10m" });
    const { id } = await enqueue(db, job, null);
    await settled(id, "completed");
    expect(runs).toBe(3);
  });
});
