// A worker that works until there is nothing left to do, as in a test or a batch run.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany, type HandlerFunction } from "../../src/index.ts";
import type { ClaimedJob } from "../../src/jobs/claim/claim.ts";
import { settle } from "../../src/jobs/settle/settle.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { observedWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** A job in a queue of the test's own, and a worker for it that is not started. */
function drainable(queue: string, run: HandlerFunction<number, unknown> = () => {}) {
  const job = defineJob({ name: queue, queue, payload: v.number(), result: v.any(), backoff: () => "300ms", run });
  const queues = { [queue]: { concurrency: 5 } };
  return { ...observedWorker({ connection: url, jobs: { job }, handlers: {}, queues, pollInterval: "50ms" }), job };
}

/** How many jobs of a queue are in which state. */
async function states(queue: string): Promise<Record<string, number>> {
  const rows = await sql<{ state: string; jobs: number }[]>`
    select state, count(*)::int as jobs from soniq_jobs where queue = ${queue} group by state`;
  return Object.fromEntries(rows.map(({ state, jobs }) => [state, jobs]));
}

describe("drain runs", () => {
  test("all jobs there are, then ends the worker", async () => {
    const { worker, job } = drainable("all");
    await enqueueMany(
      db,
      job,
      Array.from({ length: 100 }, (_, n) => n),
    );
    expect(await worker.drain()).toBe(true);
    expect(await states("all")).toEqual({ completed: 100 });
    expect(await sql`select from soniq_workers where ended_at is null`).toHaveLength(0);
  });

  test("the jobs that jobs enqueue", async () => {
    const { worker, job } = drainable("followers", async (n) => void (n > 0 && (await enqueue(db, job, n - 1))));
    await enqueue(db, job, 5);
    await worker.drain();
    expect(await states("followers")).toEqual({ completed: 6 });
  });

  test("the retries that become due within the wait", async () => {
    const { worker, job } = drainable("retries", (_, { attempt }) => {
      if (attempt < 3) throw new Error("not yet");
    });
    const { id } = await enqueue(db, job, 1);
    await worker.drain({ wait: "10s" });
    expect(await jobRow(db, id)).toMatchObject({ state: "completed", attempt: 3 });
  });

  test("the jobs for later that become due within the wait", async () => {
    const { worker, job } = drainable("soon");
    await enqueue(db, job, 1, { delay: "400ms" });
    await worker.drain({ wait: "5s" });
    expect(await states("soon")).toEqual({ completed: 1 });
  });

  test("until another worker's job is done, which may fail and be this one's next", async () => {
    const { worker, job, settled } = drainable("shared");
    const other = await sessionOf(db);
    await enqueue(db, job, 1);
    const [theirs] = await claimAs(db, other, { queue: "shared" });
    const ours = await enqueue(db, job, 2);
    let drained = false;
    const draining = worker.drain({ wait: 0 }).then(() => (drained = true));
    await settled(ours.id, "completed");
    expect(drained).toBe(false);
    await settle(db, other, [{ ...(theirs as ClaimedJob), outcome: { kind: "released", delayMs: 0 } }]);
    await draining;
    expect(await states("shared")).toEqual({ completed: 2 });
  });
});

describe("drain ends", () => {
  test("at once when there is nothing to do", async () => {
    const { worker, events } = drainable("empty");
    await worker.drain();
    expect(events).toEqual([]);
  });

  test("when what is left becomes due after the wait", async () => {
    const { worker, job } = drainable("later", (n, context) => (n === 1 ? context.snooze("1h") : undefined));
    await enqueue(db, job, 0);
    await enqueue(db, job, 1);
    await enqueue(db, job, 2, { delay: "2m" });
    await worker.drain();
    expect(await states("later")).toEqual({ completed: 1, queued: 2 });
  });

  test("although a queue that is paused has jobs", async () => {
    const { worker, job } = drainable("paused");
    await sql`insert into soniq_queues (name, paused_at) values ('paused', now())`;
    await enqueue(db, job, 1);
    await worker.drain();
    expect(await states("paused")).toEqual({ queued: 1 });
  });

  test("although a queue that is not its own has jobs", async () => {
    const { worker, job } = drainable("own");
    await enqueue(db, job, 1, { queue: "not its own" });
    await worker.drain();
    expect(await states("not its own")).toEqual({ queued: 1 });
  });

  test("after its longest duration, and gives back what still waits", async () => {
    const { worker, job } = drainable("endless", (_, context) => context.snooze(10));
    await enqueueMany(db, job, [1, 2, 3]);
    expect(await worker.drain({ maxDuration: "500ms" })).toBe(false);
    expect(await states("endless")).toEqual({ queued: 3 });
    expect(await sql`select distinct attempt from soniq_jobs where queue = 'endless'`).toMatchObject([{ attempt: 0 }]);
  });

  test("when the worker is stopped", async () => {
    const { worker, job, settled } = drainable("stopped", (_, context) => context.snooze(10));
    const { id } = await enqueue(db, job, 1);
    const draining = worker.drain();
    await settled(id);
    await worker.stop();
    expect(await draining).toBe(false);
    expect(await states("stopped")).toEqual({ queued: 1 });
  });
});

test("a wait that is no duration is refused before the worker starts", async () => {
  const { worker } = drainable("refused");
  await expect(worker.drain({ wait: "soon" as never })).rejects.toThrow('wait is "soon", which is not a duration');
  await expect(worker.drain({ maxDuration: -1 })).rejects.toThrow("maxDuration is -1, which is not a duration");
  expect(await sql`select from soniq_workers where queues ? 'refused'`).toHaveLength(0);
});
