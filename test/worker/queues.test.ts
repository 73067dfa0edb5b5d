// In what order jobs run, how many at once, and which not yet.
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { isSettled, startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** A job in a queue of the test's own that notes which of its kind ran, in order. */
function noting(queue: string) {
  const ran: string[] = [];
  const job = defineJob({ name: queue, queue, payload: v.string(), run: (word) => void ran.push(word) });
  const config = { connection: url, jobs: { job }, handlers: {}, queues: { [queue]: { concurrency: 1 } } };
  return { job, ran, config: { ...config, pollInterval: "100ms" } as const };
}

/** When a worker has looked into a queue, and found less than it could have run. */
async function idleIn(queue: string): Promise<void> {
  await until(
    async () => (await sql`select from soniq_workers where idle_queues @> to_jsonb(${queue}::text)`).length > 0,
  );
}

describe("one at a time run", () => {
  test("the jobs of the best priority first, then the longest due, then the first enqueued", async () => {
    const { job, ran, config } = noting("ordered");
    const rows: [word: string, priority: number, minutesDue: number][] = [
      ["6", 9, 50],
      ["5", 5, 10],
      ["3", 5, 30],
      ["1", 0, 1],
      ["4", 5, 20],
      ["2", 4, 2],
      ["7", 9, 5],
      ["8", 9, 5],
      ["9", 9, 5],
    ];
    await db.transaction(async (tx) => {
      for (const [word, priority] of rows) await enqueue(tx, job, word, { priority });
    });
    // In one statement, or the same minutes would not be the same time.
    await sql`update soniq_jobs set run_at = now() - due.minutes * interval '1 minute'
      from jsonb_to_recordset(${sql.json(rows.map(([word, , minutes]) => ({ word, minutes })))}) as due (word text, minutes int)
      where payload #>> '{}' = due.word and queue = 'ordered'`;
    await startWorker(config);
    await until(async () => ran.length === rows.length);
    expect(ran).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });

  test("a thousand jobs in the order in which they were enqueued", async () => {
    const { job, ran, config } = noting("thousand");
    const words = Array.from({ length: 1_000 }, (_, n) => String(n));
    await enqueueMany(db, job, words);
    await startWorker(config);
    await until(async () => ran.length === words.length);
    expect(ran).toEqual(words);
  });
});

test("each queue runs as many jobs at once as it may, and never more", async () => {
  const running = { wide: 0, narrow: 0 };
  const most = { wide: 0, narrow: 0 };
  const count = (queue: "wide" | "narrow") => async () => {
    most[queue] = Math.max(most[queue], (running[queue] += 1));
    await sleep(2);
    running[queue] -= 1;
  };
  const wide = defineJob({ name: "wide", queue: "wide", payload: v.number(), run: count("wide") });
  const narrow = defineJob({ name: "narrow", queue: "narrow", payload: v.number(), run: count("narrow") });
  const numbers = Array.from({ length: 200 }, (_, n) => n);
  await enqueueMany(db, wide, numbers);
  await enqueueMany(db, narrow, numbers);
  const queues = { wide: { concurrency: 5 }, narrow: { concurrency: 2 } };
  const { events } = await startWorker({ connection: url, jobs: { wide, narrow }, handlers: {}, queues });
  await until(async () => events.filter(isSettled).length === 400);
  expect(most).toEqual({ wide: 5, narrow: 2 });
});

test("without queues in the configuration those of the definitions are worked, and the default", async () => {
  const mail = defineJob({ name: "mail", queue: "mail", payload: v.null(), run: () => {} });
  const plain = defineJob({ name: "plain", payload: v.null(), run: () => {} });
  const jobs = [await enqueue(db, mail, null), await enqueue(db, plain, null)];
  const { settled } = await startWorker({ connection: url, jobs: { mail, plain }, handlers: {} });
  const ended = await Promise.all(jobs.map(({ id }) => settled(id, "completed")));
  expect(ended.map(({ job }) => job.queue)).toEqual(["mail", "default"]);
});

test("a queue that is not among those configured is left alone", async () => {
  const { job, ran, config } = noting("mine");
  const stranger = await enqueue(db, job, "not mine", { queue: "another's" });
  const { id } = await enqueue(db, job, "mine");
  const { settled } = await startWorker(config);
  await settled(id, "completed");
  await idleIn("mine");
  expect(ran).toEqual(["mine"]);
  expect(await jobRow(db, stranger.id)).toMatchObject({ state: "queued", claims: 0 });
});

describe("a job for later", () => {
  test("waits until it is due, and then runs", async () => {
    const { job, ran, config } = noting("later");
    const later = await enqueue(db, job, "later", { delay: "1h" });
    const { settled } = await startWorker(config);
    await idleIn("later");
    expect(await jobRow(db, later.id)).toMatchObject({ state: "queued", claims: 0 });
    await sql`update soniq_jobs set run_at = now() where id = ${later.id}`;
    await settled(later.id, "completed");
    expect(ran).toEqual(["later"]);
  });

  test("of a better priority holds up no job that is due", async () => {
    const { job, ran, config } = noting("held-up");
    const words = Array.from({ length: 50 }, () => "later");
    await enqueueMany(db, job, words, { priority: 0, runAt: new Date("2099-01-01") });
    const { id } = await enqueue(db, job, "now", { priority: 9 });
    const { settled } = await startWorker(config);
    await settled(id, "completed");
    expect(ran).toEqual(["now"]);
  });

  test("is run once it is due, by polling", async () => {
    const { job, config } = noting("polled");
    const { settled } = await startWorker(config);
    const { id } = await enqueue(db, job, "soon", { delay: "300ms" });
    const { job: claimed } = await settled(id, "completed");
    const { runAt, claimedAt } = { ...(await jobRow(db, claimed.id)) };
    expect(claimedAt?.getTime()).toBeGreaterThanOrEqual(runAt?.getTime() as number);
  });
});

test("a queue that is paused is not claimed from, and its jobs run when it goes on", async () => {
  const paused = noting("paused");
  const other = noting("other");
  await sql`insert into soniq_queues (name, paused_at) values ('paused', now())`;
  const waiting = await enqueue(db, paused.job, "waits");
  const running = await enqueue(db, other.job, "runs");
  const { settled } = await startWorker({
    ...paused.config,
    jobs: { paused: paused.job, other: other.job },
    queues: { paused: { concurrency: 5 }, other: { concurrency: 5 } },
  });
  await settled(running.id, "completed");
  await idleIn("paused");
  expect(await jobRow(db, waiting.id)).toMatchObject({ state: "queued", claims: 0 });
  await sql`update soniq_queues set paused_at = null where name = 'paused'`;
  await settled(waiting.id, "completed");
});

test("a queue that is paused while jobs run lets them finish", async () => {
  const pausing = defineJob({
    name: "pausing",
    queue: "pausing",
    payload: v.null(),
    run: async () => void (await sql`insert into soniq_queues (name, paused_at) values ('pausing', now())`),
  });
  const first = await enqueue(db, pausing, null);
  const { settled } = await startWorker({ connection: url, jobs: { pausing }, handlers: {}, pollInterval: "100ms" });
  await settled(first.id, "completed");
  const second = await enqueue(db, pausing, null);
  await idleIn("pausing");
  expect(await jobRow(db, second.id)).toMatchObject({ state: "queued", claims: 0 });
});
