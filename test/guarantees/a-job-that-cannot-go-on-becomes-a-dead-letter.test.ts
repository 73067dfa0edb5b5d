// Promise 9.
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue } from "../../src/index.ts";
import { listDeadLetters, retryJobs } from "../../src/admin.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const invoice = defineJob({
  name: "invoice",
  payload: v.object({ order: v.number() }),
  maxAttempts: 3,
  backoff: () => 0,
  run: ({ order }, { attempt }) => {
    throw new RangeError(`order ${order} failed for the ${attempt}. time`);
  },
});
const config = { connection: url, jobs: { invoice }, handlers: {}, pollInterval: "50ms" } as const;

/** Enqueues as any other program may. */
async function insert(name: string, payload: string): Promise<number> {
  const [row] = await sql<{ id: string }[]>`
    insert into soniq_jobs (name, payload) values (${name}, ${payload}::text::jsonb) returning id`;
  return Number((row as { id: string }).id);
}

test("a job out of attempts is a dead letter, with the last failure as its reason and all of them as its history", async () => {
  const worker = await startWorker(config);
  const { id } = await enqueue(db, invoice, { order: 7 });
  await worker.settled(id, "dead");
  const job = await jobRow(db, id);
  expect(job).toMatchObject({ state: "dead", attempt: 3, workerId: null });
  expect(job?.reason).toBe("out of attempts: order 7 failed for the 3. time");
  expect(job?.finishedAt).toBeInstanceOf(Date);
  const failure = { name: "RangeError", worker: job?.lastWorkerId, stack: expect.stringContaining("RangeError") };
  expect(job?.errors).toMatchObject([
    { ...failure, attempt: 1, message: "order 7 failed for the 1. time" },
    { ...failure, attempt: 2, message: "order 7 failed for the 2. time" },
    { ...failure, attempt: 3, message: "order 7 failed for the 3. time" },
  ]);
});

test("a job with one attempt has no second", async () => {
  const worker = await startWorker(config);
  const { id } = await enqueue(db, invoice, { order: 8 }, { maxAttempts: 1 });
  await worker.settled(id, "dead");
  expect(await jobRow(db, id)).toMatchObject({ state: "dead", attempt: 1, claims: 1 });
});

describe("a job with a payload that does not parse is a dead letter at once", () => {
  test.each([
    ['{"order": "7"}', "invalid payload: payload.order is not valid"],
    ["{}", "invalid payload: payload.order is not valid"],
    ["null", "invalid payload: payload is not valid"],
    ["[]", "invalid payload: payload.order is not valid"],
    ['"order 7"', "invalid payload: payload is not valid"],
    ["7", "invalid payload: payload is not valid"],
  ])("%s", async (payload, reason) => {
    const worker = await startWorker(config);
    const id = await insert("invoice", payload);
    await worker.settled(id, "dead");
    const job = await jobRow(db, id);
    expect(job?.reason).toContain(reason);
    expect(job).toMatchObject({ state: "dead", attempt: 1, errors: [{ name: "InvalidValueError", attempt: 1 }] });
  });
});

describe("a job with a name that nobody knows", () => {
  test("waits for a worker that knows it, at no cost", async () => {
    const worker = await startWorker(config);
    const id = await insert("of-tomorrow", "{}");
    const { outcome } = await worker.settled(id, "queued");
    expect(outcome.kind).toBe("unknown");
    expect(await jobRow(db, id)).toMatchObject({ state: "queued", attempt: 0, errors: [] });
    const tomorrow = defineJob({ name: "of-tomorrow", payload: v.object({}), run: () => {} });
    await sql`update soniq_jobs set run_at = now() where id = ${id}`;
    await worker.worker.stop();
    const newer = await startWorker({ ...config, jobs: { tomorrow } });
    await newer.settled(id, "completed");
    expect(await jobRow(db, id)).toMatchObject({ attempt: 1, unknownSince: null });
  });

  test("is a dead letter when none came in the time of grace, which counts from when it was first met", async () => {
    const worker = await startWorker({ ...config, unknownJobGrace: "10m" });
    const id = await insert("of-yesterday", "{}");
    await worker.settled(id, "queued");
    await sql`update soniq_jobs set unknown_since = now() - interval '11 minutes', run_at = now() where id = ${id}`;
    await worker.settled(id, "dead");
    expect(await jobRow(db, id)).toMatchObject({ state: "dead", reason: "unknown job name", attempt: 0 });
  });

  test("may have waited in its queue for as long as it took", async () => {
    const id = await insert("late", "{}");
    await sql`update soniq_jobs set run_at = now() - interval '1 day', created_at = now() - interval '1 day' where id = ${id}`;
    const worker = await startWorker({ ...config, unknownJobGrace: "10m" });
    expect((await worker.settled(id)).state).toBe("queued");
  });
});

describe("a dead letter can be retried", () => {
  test.each([
    ["out of attempts", "invoice", '{"order": 7}', "out of attempts: order 7 failed for the 10. time"],
    ["with a payload that did not parse", "invoice", '{"order": "7"}', "invalid payload: payload.order is not valid"],
    ["with a name that nobody knew", "of-tomorrow", '{"order": 7}', "unknown job name"],
  ])("one %s, to be run by a worker that can", async (_, name, payload, reason) => {
    const { settled, worker } = await startWorker({ ...config, unknownJobGrace: 0 });
    const id = await insert(name, payload);
    await settled(id, "dead");
    await worker.stop();
    const { deadLetters } = await listDeadLetters(db, { ids: [id] });
    expect(deadLetters).toMatchObject([{ id, payload: JSON.parse(payload), reason: expect.stringContaining(reason) }]);
    const fixed = defineJob({ name, payload: v.object({ order: v.unknown() }), run: () => {} });
    const newer = await startWorker({ ...config, jobs: { fixed } });
    expect(await retryJobs(db, id)).toEqual({ retried: [id], refused: [] });
    await newer.settled(id, "completed");
    const history = { manualRetries: 1, errors: deadLetters[0]?.errors };
    expect(await jobRow(db, id)).toMatchObject({ attempt: 1, reason: null, ...history });
  });

  test("while no other job has its unique key, and the caller is told which job that is", async () => {
    const worker = await startWorker(config);
    const first = await enqueue(db, invoice, { order: 9 }, { maxAttempts: 1, uniqueKey: "9" });
    await worker.settled(first.id, "dead");
    await worker.worker.stop();
    const second = await enqueue(db, invoice, { order: 9 }, { uniqueKey: "9" });
    expect(await retryJobs(db, first.id)).toEqual({
      retried: [],
      refused: [{ id: first.id, reason: "key-held", heldBy: second.id }],
    });
    expect(await jobRow(db, first.id)).toMatchObject({ state: "dead", manualRetries: 0 });
  });
});
