// Handlers that ignore their signal. At a shutdown: test/guarantees/shutdown-drains.test.ts.
import { expect, test } from "vitest";
import * as v from "valibot";
import { cancelJob, defineJob, enqueue, type JobSettings } from "../../src/index.ts";
import { rescueOverdue } from "../../src/jobs/upkeep/rescue.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const never = new Promise<boolean>(() => {});

/** A definition with a queue of its own, whose job hangs the first time it is run. */
function stubborn(name: string, settings: JobSettings<string> = {}) {
  const started = gate<number>();
  const job = defineJob({
    name,
    queue: name,
    payload: v.string(),
    backoff: () => 0,
    ...settings,
    run: async (payload, { id }) => {
      if (payload !== "hang" || (await jobRow(db, id))?.claims !== 1) return;
      started.open(id);
      await never;
    },
  });
  return { job, started };
}

/** A definition whose validator never answers: also a part of the attempt. */
const unanswered = defineJob({
  name: "unanswered",
  queue: "unanswered",
  payload: v.pipeAsync(
    v.string(),
    v.checkAsync((word) => word !== "hang" || never),
  ),
  timeout: "50ms",
  run: () => {},
});

// All in one, since each of them waits for the same grace.
test("what takes no notice of a timeout, cancellation or loss keeps neither its slot nor the job", async () => {
  const late = stubborn("late", { timeout: "50ms" });
  const cancelled = stubborn("cancelled");
  const lost = stubborn("lost");
  const jobs = { late: late.job, cancelled: cancelled.job, lost: lost.job, unanswered };
  const queues = Object.fromEntries(Object.keys(jobs).map((queue) => [queue, { concurrency: 1 }]));
  const worker = await startWorker({ connection: url, jobs, handlers: {}, queues, pollInterval: "50ms", lease: "8s" });
  const ids = {
    late: (await enqueue(db, late.job, "hang")).id,
    cancelled: (await enqueue(db, cancelled.job, "hang")).id,
    lost: (await enqueue(db, lost.job, "hang")).id,
  };
  const [row] = await sql<{ id: number }[]>`
    insert into soniq_jobs (name, queue, payload, max_attempts) values ('unanswered', 'unanswered', '"hang"', 1)
    returning id::int`;
  await Promise.all([late, cancelled, lost].map(({ started }) => started.opened));
  // They wait for the slots.
  const next = await Promise.all(Object.values(jobs).map((job) => enqueue(db, job, "work")));

  await cancelJob(db, ids.cancelled, "no longer wanted");
  await sql`update soniq_jobs set deadline_at = now() - interval '1 second' where id = ${ids.lost}`;
  await rescueOverdue(db, { limit: 10 });

  await Promise.all(next.map(({ id }) => worker.settled(id, "completed")));
  await worker.settled(ids.late, "completed");
  expect(await jobRow(db, ids.late)).toMatchObject({ attempt: 2, errors: [{ name: "TimeoutError", attempt: 1 }] });
  await worker.settled(ids.cancelled, "cancelled");
  expect(await jobRow(db, ids.cancelled)).toMatchObject({ reason: "no longer wanted", attempt: 1 });
  await worker.settled(ids.lost, "completed");
  expect(await jobRow(db, ids.lost)).toMatchObject({ claims: 2, errors: [{ name: "TimeoutError", attempt: 1 }] });
  const { outcome } = await worker.settled((row as { id: number }).id, "dead");
  expect(outcome).toMatchObject({ reason: "out of attempts: the job's timeout has passed" });
});
