// What becomes of jobs whose name a worker does not know: a newer worker may come that does.
import * as v from "valibot";
import { expect, test } from "vitest";
import { cancelJob, defineJob, enqueue, type WorkerConfig } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { type JobRow, jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { isSettled, startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** A job, and a worker of its queue that does not know it. */
async function meeting(queue: string, config: Partial<WorkerConfig> = {}) {
  const job = defineJob({ name: "novelty", queue, payload: v.null(), result: v.string(), run: () => "known" });
  const { id } = await enqueue(db, job, null, { maxAttempts: 1 });
  const queues = { [queue]: { concurrency: 1 } };
  const old: WorkerConfig = { connection: url, jobs: {}, handlers: {}, queues, pollInterval: "50ms", ...config };
  const observed = await startWorker(old);
  await observed.settled(id);
  return { ...observed, job, id, old, row: async () => (await jobRow(db, id)) as JobRow };
}

/** As if the first worker had met the job so long ago, and it were due again. */
async function metAgain(id: number, minutesAgo: number): Promise<void> {
  await sql`update soniq_jobs set unknown_since = now() - ${minutesAgo} * interval '1 minute', run_at = now() where id = ${id}`;
}

test("it is given back for a while, costs no attempt, and when it was met first is kept", async () => {
  const { row, id, settled } = await meeting("met");
  expect(await settled(id)).toMatchObject({ state: "queued", outcome: { kind: "unknown", graceMs: 600_000 } });
  const { runAt, claimedAt, unknownSince, ...rest } = await row();
  expect(rest).toMatchObject({ state: "queued", attempt: 0, claims: 1, errors: [], reason: null, workerId: null });
  expect(unknownSince?.getTime()).toBeGreaterThanOrEqual(claimedAt?.getTime() as number);
  expect(runAt.getTime()).toBeGreaterThanOrEqual((unknownSince?.getTime() as number) + 500);
});

test("met again, it is given back for longer, and when it was met first stays", async () => {
  const { row, id, events } = await meeting("again");
  const { unknownSince } = await row();
  await sql`update soniq_jobs set run_at = now() where id = ${id}`;
  const [first, second] = await until(async () => {
    const delays = events.flatMap((event) =>
      isSettled(event) && "delayMs" in event.outcome ? event.outcome.delayMs : [],
    );
    return delays.length === 2 && delays;
  });
  expect(first).toBeLessThanOrEqual(1_000);
  expect(second).toBeGreaterThanOrEqual(1_000);
  expect(await row()).toMatchObject({ unknownSince, claims: 2, attempt: 0 });
});

test("it is a dead letter ten minutes after it was met first", async () => {
  const { row, id, settled } = await meeting("dead");
  await metAgain(id, 11);
  await settled(id, "dead");
  const { finishedAt, ...rest } = await row();
  expect(rest).toMatchObject({ state: "dead", reason: "unknown job name", claims: 2, workerId: null });
  expect(finishedAt).toBeInstanceOf(Date);
});

test("the grace is what the configuration says", async () => {
  const patient = await meeting("patient", { unknownJobGrace: "1h" });
  await metAgain(patient.id, 11);
  await until(async () => (await patient.row()).claims === 2 && (await patient.row()).state === "queued");
  const impatient = await meeting("impatient", { unknownJobGrace: 0 });
  expect(await impatient.row()).toMatchObject({ state: "dead", reason: "unknown job name", claims: 1 });
});

test("a worker that knows the name runs it, and the meeting is forgotten", async () => {
  const { worker, job, id, row } = await meeting("known");
  await worker.stop();
  await sql`update soniq_jobs set run_at = now() where id = ${id}`;
  const { settled } = await startWorker({ connection: url, jobs: { job }, handlers: {} });
  await settled(id, "completed");
  expect(await row()).toMatchObject({ attempt: 1, claims: 2, result: "known", unknownSince: null });
});

test("it can be cancelled", async () => {
  const { id, row } = await meeting("cancelled");
  expect(await cancelJob(db, id, "a typing error")).toBe("cancelled");
  expect(await row()).toMatchObject({ state: "cancelled", reason: "a typing error" });
});

test("the jobs beside it run", async () => {
  const { old, job, worker } = await meeting("beside");
  await worker.stop();
  await sql`insert into soniq_jobs (queue, name, payload) select 'beside', 'stranger', 'null' from generate_series(1, 20)`;
  const { id } = await enqueue(db, job, null);
  const { settled } = await startWorker({ ...old, jobs: { job } });
  expect(await settled(id)).toMatchObject({ state: "completed" });
});
