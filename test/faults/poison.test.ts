// Payloads, results and errors that cannot be stored, all the way through: each job comes to its end, its work is done
// once, and the jobs beside it take no notice. What each of them looks like when it is kept: test/core, test/jobs.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { recordedDatabase } from "../support/recorded-database.ts";
import { startWorker } from "../support/worker.ts";

const { db, url } = await testDatabase();

const refuse = (): never => {
  throw new Error("unreadable");
};
const refusing = { get: refuse, getPrototypeOf: refuse, ownKeys: refuse, has: refuse };
const round: { self?: unknown } = {};
round.self = round;
const throwing = (key: string) => Object.defineProperty(new Error("a"), key, { get: refuse });

const plain = v.object({ n: v.number() });

/** A queue in which one job after the other has something odd come of it, with a sound job behind each. */
async function between(queue: string, odd: readonly unknown[], end: (value: unknown) => unknown) {
  const runs: number[] = [];
  const definition = { queue, payload: plain, result: v.any(), maxAttempts: 1 };
  const job = defineJob({
    ...definition,
    name: queue,
    run: ({ n }) => {
      runs.push(n);
      return end(odd[n]);
    },
  });
  const sound = defineJob({ ...definition, name: `${queue} sound`, run: ({ n }) => n });
  const bad: number[] = [];
  const good: number[] = [];
  for (const n of odd.keys()) {
    bad.push((await enqueue(db, job, { n })).id);
    good.push((await enqueue(db, sound, { n })).id);
  }
  const worker = await startWorker({ connection: url, jobs: { job, sound }, handlers: {}, pollInterval: "50ms" });
  await Promise.all(good.map((id) => worker.settled(id, "completed")));
  await Promise.all(bad.map((id) => worker.settled(id)));
  expect(runs.toSorted((a, b) => a - b)).toEqual([...odd.keys()]);
  return Promise.all(bad.map((id) => jobRow(db, id)));
}

test("a result that cannot be stored leaves a dead letter that says so, and its work is not done again", async () => {
  const results: [result: unknown, why: string][] = [
    [round, "result.self contains itself"],
    [{ deep: ["\0"] }, "result.deep[0] has a NUL character"],
    ["🎉".slice(0, 1), "result has half of a surrogate pair"],
    [NaN, "result is NaN"],
    [{ id: 1n }, "result.id is a bigint"],
    [() => 1, "result is a function"],
    ["x".repeat(5 * 1024 * 1024), "result is more than 1048576 bytes of JSON"],
    [{ toJSON: refuse }, "unreadable"],
    [
      {
        get price() {
          return refuse();
        },
      },
      "unreadable",
    ],
    [new Proxy({}, { ownKeys: refuse }), "unreadable"],
  ];
  const rows = await between(
    "results",
    results.map(([result]) => result),
    (result) => result,
  );
  for (const [i, row] of rows.entries()) {
    expect(row).toMatchObject({ state: "dead", claims: 1, attempt: 1, result: null, workerId: null });
    expect(row?.reason).toMatch(/^its result could not be stored: /);
    expect(row?.reason).toContain(results[i]?.[1]);
  }
});

test("also where attempts are left", async () => {
  let runs = 0;
  const job = defineJob({
    name: "again",
    queue: "again",
    payload: v.null(),
    result: v.any(),
    backoff: () => 0,
    run: () => {
      runs += 1;
      return "\0";
    },
  });
  const { id } = await enqueue(db, job, null);
  const worker = await startWorker({ connection: url, jobs: { job }, handlers: {}, pollInterval: "50ms" });
  await worker.settled(id, "dead");
  expect(runs).toBe(1);
  expect(await jobRow(db, id)).toMatchObject({ attempt: 1, maxAttempts: 10, errors: [{ name: "InvalidValueError" }] });
});

test("whatever is thrown is written down, and leaves a dead letter", async () => {
  const thrown: [thrown: unknown, message: string][] = [
    [undefined, "undefined"],
    [null, "null"],
    [0, "0"],
    [round, "an error that cannot be read"],
    [Symbol("odd"), "Symbol(odd)"],
    [() => 1, "() => 1"],
    [new Error("a\0b"), "a"],
    [new Error("x".repeat(5 * 1024 * 1024)), "xxx"],
    [Object.assign(new Error("of itself"), { cause: round }), "of itself"],
    [new Proxy(new Error("a"), refusing), ""],
    ...["name", "message", "code", "stack", "cause"].map((key): [unknown, string] => [throwing(key), "an error that"]),
    [Object.defineProperty({}, "toString", { get: refuse }), "{}"],
  ];
  const rows = await between(
    "errors",
    thrown.map(([value]) => value),
    (value) => {
      throw value;
    },
  );
  for (const [i, row] of rows.entries()) {
    expect(row).toMatchObject({ state: "dead", claims: 1, attempt: 1, workerId: null, errors: [{ attempt: 1 }] });
    expect(row?.reason).toContain(thrown[i]?.[1]);
    expect(row?.reason?.length).toBeLessThan(3_000);
  }
});

describe("a payload that cannot even be read", () => {
  test.each<[what: string, payload: object]>([
    [
      "a getter that throws",
      {
        get n(): number {
          return refuse();
        },
      },
    ],
    ["a toJSON that throws", { n: 1, toJSON: refuse }],
    ["a proxy that refuses everything", new Proxy({}, refusing)],
  ])("is refused before any SQL, and the transaction goes on: %s", async (_, payload) => {
    const recorded = recordedDatabase(url);
    const job = defineJob({ name: "unread", queue: "unread", payload: v.any() });
    const { id } = await recorded.db.transaction(async (tx) => {
      await expect(enqueue(tx, job, payload)).rejects.toThrow("unreadable");
      await expect(enqueueMany(tx, job, [1, payload])).rejects.toThrow("unreadable");
      expect(recorded.sent).toEqual([]);
      return enqueue(tx, job, 1);
    });
    expect(await jobRow(db, id)).toMatchObject({ state: "queued", payload: 1 });
  });
});

describe("a validator of the worker's", () => {
  const look = (queue: string, check: () => boolean | Promise<boolean>) =>
    defineJob({
      name: queue,
      queue,
      payload: v.pipeAsync(v.number(), v.checkAsync(check)),
      backoff: () => 0,
      run: () => {},
    });

  test.each<[how: string, check: () => boolean | Promise<boolean>]>([
    ["throws", refuse],
    ["rejects", () => Promise.reject(new Error("unreadable"))],
  ])("that %s has failed, not refused: the job is tried again", async (how, check) => {
    let looks = 0;
    const job = look(`validator ${how}`, () => ++looks > 2 || check());
    const { id } = await enqueue(db, defineJob({ name: job.name, queue: job.name, payload: v.number() }), 1);
    const worker = await startWorker({ connection: url, jobs: { job }, handlers: {}, pollInterval: "50ms" });
    await worker.settled(id, "completed");
    expect(await jobRow(db, id)).toMatchObject({
      attempt: 3,
      errors: [{ message: "unreadable" }, { message: "unreadable" }],
    });
  });
});
