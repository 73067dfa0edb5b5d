// What became of a job: each way is told apart from the others.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { cancelJob, defineJob, enqueue, getResult, type HandlerFunction } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

const count = defineJob({
  name: "count",
  payload: v.string(),
  result: v.pipe(v.string(), v.transform(Number)),
});

/** Runs a job of `count` with this handler. */
async function ran(run: HandlerFunction<string, string>): Promise<number> {
  const { id } = await enqueue(db, count, "some file", { maxAttempts: 1 });
  const { settled, worker } = await startWorker({ connection: url, jobs: { count }, handlers: { count: run } });
  await settled(id);
  await worker.stop();
  return id;
}

test("a completed job has its result, as the validator gives it", async () => {
  const id = await ran(() => "42");
  expect(await getResult(db, count, id)).toEqual({ status: "completed", result: 42 });
});

test("a job that waits is pending, also between two attempts", async () => {
  const handle = await enqueue(db, count, "later", { delay: "1h" });
  expect(await getResult(db, count, handle)).toEqual({ status: "pending", state: "queued", progress: null });
});

test("a job that runs is pending, with its progress", async () => {
  const { id } = await enqueue(db, count, "now", { queue: "played" });
  await claimAs(db, await sessionOf(db), { queue: "played" });
  await sql`update soniq_jobs set progress = '{"rows": 7}' where id = ${id}`;
  expect(await getResult(db, count, id)).toEqual({ status: "pending", state: "active", progress: { rows: 7 } });
});

test("a dead letter is dead, with the reason and the errors", async () => {
  const id = await ran(() => {
    throw new TypeError("not a file");
  });
  expect(await getResult(db, count, id)).toEqual({
    status: "dead",
    reason: "out of attempts: not a file",
    errors: [expect.objectContaining({ name: "TypeError", message: "not a file" })],
  });
});

test("a cancelled job is cancelled, with the reason", async () => {
  const { id } = await enqueue(db, count, "x", { delay: "1h" });
  await cancelJob(db, id, "the customer left");
  expect(await getResult(db, count, id)).toEqual({ status: "cancelled", reason: "the customer left" });
});

describe("an id that has no job", () => {
  test("is expired when it was given out, and the job has been pruned", async () => {
    const { id } = await enqueue(db, count, "x", { delay: "1h" });
    await sql`delete from soniq_jobs where id = ${id}`;
    expect(await getResult(db, count, id)).toEqual({ status: "expired" });
  });

  test("is expired, too, when its transaction has not committed", async () => {
    const committed = gate();
    const given = gate<number>();
    const transaction = db.transaction(async (tx) => {
      given.open((await enqueue(tx, count, "x", { delay: "1h" })).id);
      await committed.opened;
    });
    const id = await given.opened;
    expect(await getResult(db, count, id)).toEqual({ status: "expired" });
    committed.open();
    await transaction;
    expect(await getResult(db, count, id)).toMatchObject({ status: "pending" });
  });

  test.each([
    ["was not given out yet", 1e15],
    ["never will be", 0],
    ["is negative", -1],
    ["is no number", NaN],
    ["is a fraction", 1.5],
    ["is past all numbers", 2 ** 60],
  ])("is unknown when it %s", async (_what, id) => {
    expect(await getResult(db, count, id)).toEqual({ status: "unknown" });
  });

  test("is unknown in a table that never had one", async () => {
    const empty = await testDatabase();
    expect(await getResult(empty.db, count, 1)).toEqual({ status: "unknown" });
  });

  test("is unknown to this definition when it is another one's", async () => {
    const { id } = await enqueue(db, defineJob({ name: "other", payload: v.null() }), null, { delay: "1h" });
    expect(await getResult(db, count, id)).toEqual({ status: "unknown" });
  });
});

test("a result of null, and none where none is defined, come back as they were", async () => {
  const find = defineJob({ name: "find", payload: v.null(), result: v.nullable(v.number()), run: () => null });
  const greet = defineJob({ name: "greet", payload: v.null(), run: () => {} });
  const [found, greeted] = [await enqueue(db, find, null), await enqueue(db, greet, null)];
  const { settled } = await startWorker({ connection: url, jobs: { find, greet }, handlers: {} });
  await settled(found.id, "completed");
  await settled(greeted.id, "completed");
  expect(await getResult(db, find, found)).toEqual({ status: "completed", result: null });
  expect(await getResult(db, greet, greeted)).toEqual({ status: "completed", result: undefined });
});
