// What a worker tells, and to whom; and that nobody who listens badly does it harm.
import { format } from "node:util";
import pino from "pino";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  createWorker,
  defineJob,
  enqueue,
  enqueueMany,
  type HandlerFunction,
  type Logger,
  type WorkerConfig,
  type WorkerEvent,
} from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { isSettled, startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
let next = 0;

/** A job of a queue of its own, which is run so. */
function jobThat(run: HandlerFunction<null, unknown>, maxAttempts = 10) {
  const name = `job-${(next += 1)}`;
  return defineJob({ name, queue: name, payload: v.null(), result: v.any(), maxAttempts, backoff: () => 0, run });
}

const configFor = (job: ReturnType<typeof jobThat>, more: Partial<WorkerConfig> = {}): WorkerConfig => ({
  connection: url,
  jobs: { job },
  handlers: {},
  queues: { [job.name]: { concurrency: 5 } },
  ...more,
});

/** What is said while a job like this is worked to its end. */
async function eventsOf(run: HandlerFunction<null, unknown>, maxAttempts?: number): Promise<WorkerEvent[]> {
  const job = jobThat(run, maxAttempts);
  const { id } = await enqueue(db, job, null);
  const { settled, events } = await startWorker(configFor(job));
  await Promise.race(["completed", "cancelled", "dead"].map((state) => settled(id, state)));
  return [...events];
}

const types = (events: readonly WorkerEvent[]) => events.map(({ type }) => type);

describe("of a job, a worker tells", () => {
  test("that it started and completed", async () => {
    expect(types(await eventsOf(() => 1))).toEqual(["started", "completed"]);
  });

  test("each attempt, and that it is tried again", async () => {
    const events = await eventsOf((_, { attempt }) => attempt < 3 && Promise.reject(new Error("not yet")));
    expect(events.flatMap((event) => (event.type === "started" ? event.job.attempt : []))).toEqual([1, 2, 3]);
    expect(types(events.filter(isSettled))).toEqual(["retried", "retried", "completed"]);
  });

  test("that it is a dead letter, with the outcome", async () => {
    const events = await eventsOf(() => Promise.reject(new Error("never")), 1);
    expect(events.at(-1)).toMatchObject({ type: "dead", state: "dead", outcome: { error: { message: "never" } } });
  });

  test("that it was snoozed, discarded or cancelled", async () => {
    let runs = 0;
    const events = await eventsOf((_, job) => ((runs += 1) === 1 ? job.snooze(0) : job.discard("enough")));
    expect(types(events.filter(isSettled))).toEqual(["snoozed", "dead"]);
    expect(types(await eventsOf((_, job) => job.cancel("no")))).toEqual(["started", "cancelled"]);
  });

  test("what became of it, where that is not what the attempt came to", async () => {
    const events = await eventsOf(async (_, job) => {
      await sql`update soniq_jobs set cancel_requested_at = now() where id = ${job.id}`;
      throw new Error("failed");
    });
    expect(events.at(-1)).toMatchObject({ type: "cancelled", state: "cancelled", outcome: { kind: "retried" } });
  });

  test("no start, where it has no handler for it", async () => {
    const stranger = defineJob({ name: "stranger", queue: "strange", payload: v.null() });
    const { id } = await enqueue(db, stranger, null);
    const queues = { strange: { concurrency: 1 } };
    const { settled, events } = await startWorker({ connection: url, jobs: {}, handlers: {}, queues });
    expect((await settled(id)).type).toBe("unknown");
    expect(types(events)).toEqual(["unknown"]);
  });
});

describe("told are", () => {
  test("the configuration's listener and the worker's own, of the same", async () => {
    const job = jobThat(() => {});
    const told: WorkerEvent[] = [];
    const { id } = await enqueue(db, job, null);
    const { settled, events } = await startWorker(configFor(job, { onEvent: (event) => told.push(event) }));
    await settled(id);
    expect(told).toEqual(events);
  });

  test("a pino logger: a line for each end, an error for a dead letter, the fields of what jobs log", async () => {
    const job = jobThat((_, { log }) => {
      log("half way", { done: 50, id: "not the job's" });
      throw new Error("broken");
    }, 1);
    const lines: Record<string, unknown>[] = [];
    const logger = pino({}, { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
    const { id } = await enqueue(db, job, null);
    const { settled } = await startWorker(configFor(job, { logger }));
    await settled(id, "dead");
    const common = { id, job: job.name, queue: job.name, attempt: 1 };
    expect(lines).toMatchObject([
      { level: 30, msg: "half way", done: 50, ...common },
      { level: 50, outcome: "dead", state: "dead", error: "broken", reason: "out of attempts: broken", ...common },
    ]);
    expect(lines[1]?.["msg"]).toMatch(/^job-\d+ #\d+ · dead · in \d+ ms · attempt 1 of 1: out of attempts: broken$/);
  });
});

describe("no harm is done by", () => {
  const complaints: string[] = [];
  beforeEach(
    () => void vi.spyOn(console, "error").mockImplementation((...said) => void complaints.push(format(...said))),
  );
  afterEach(() => {
    vi.restoreAllMocks();
    complaints.length = 0;
  });

  const unreadable = Object.defineProperty(new Error("x"), "stack", {
    get() {
      throw new Error("no stack");
    },
  });
  const ways: [what: string, fail: () => unknown][] = [
    ["throws", () => expect.fail("badly")],
    ["throws what is no error", () => Promise.reject(undefined)],
    ["throws what cannot be read", () => Promise.reject(unreadable)],
    ["is asynchronous and rejects", async () => expect.fail("late")],
    ["returns a statement of Drizzle's that fails when it is awaited", () => db.execute("select 1 / 0")],
  ];

  test.each(ways)("a listener that %s", async (_, fail) => {
    const job = jobThat(() => 1);
    const jobs = await enqueueMany(db, job, [null, null, null]);
    const { settled } = await startWorker(configFor(job, { onEvent: fail as () => void }));
    await Promise.all(jobs.map(({ id }) => settled(id, "completed")));
    await until(async () => complaints.length >= 6);
    expect(complaints[0]).toMatch(/^soniq-drizzle: onEvent failed: ./);
  });

  test.each(ways)("a logger that %s", async (_, fail) => {
    const job = jobThat((_payload, { log }) => log("a line"));
    const { id } = await enqueue(db, job, null);
    const logger = { info: fail, warn: fail, error: fail } as unknown as Logger;
    const { settled } = await startWorker(configFor(job, { logger }));
    await settled(id, "completed");
    expect((await jobRow(db, id))?.logs).toMatchObject([{ message: "a line" }]);
    await until(async () => complaints.length >= 2);
    expect(complaints[0]).toMatch(/^soniq-drizzle: logger failed: ./);
  });

  test.each(ways)("an onEnqueued that %s, alone, in bulk and in a transaction", async (_, fail) => {
    const job = defineJob({ name: "told", queue: "told", payload: v.number(), onEnqueued: fail as () => void });
    const alone = await enqueue(db, job, 1);
    const [bulk] = await enqueueMany(db, job, [2]);
    const inside = await db.transaction((tx) => enqueue(tx, job, 3));
    for (const enqueued of [alone, bulk, inside]) expect(await jobRow(db, enqueued?.id as number)).toBeDefined();
    await until(async () => complaints.length === 3);
    expect(complaints[0]).toMatch(/^soniq-drizzle: onEnqueued of the job told failed: ./);
  });
});

describe("a definition's onEnqueued", () => {
  const told: unknown[] = [];
  const job = defineJob({
    name: "counted",
    queue: "counted",
    payload: v.number(),
    onEnqueued: (...what) => told.push(what),
  });
  beforeEach(() => void told.splice(0));

  test("is told of each job that is inserted, with its payload, and of no duplicate", async () => {
    const first = await enqueue(db, job, 1, { uniqueKey: "one" });
    await enqueue(db, job, 1, { uniqueKey: "one" });
    const many = await enqueueMany(db, job, [1, 2, 3], (n) => ({ uniqueKey: n === 1 ? "one" : null }));
    const ids = [first, ...many.slice(1)].map(({ id }) => ({ id, name: "counted" }));
    expect(told).toEqual(ids.map((one, i) => [one, i + 1]));
  });

  test("is told of the payload that is stored, where several of a bulk share a key", async () => {
    const bulk = async (onConflict: "keep" | "replace" | "reschedule") => {
      const one = defineJob({
        name: onConflict,
        queue: "counted",
        payload: v.number(),
        unique: { by: () => "one", onConflict },
        onEnqueued: (...what) => told.push(what),
      });
      const [first] = await enqueueMany(db, one, [1, 2, 3], { delay: "1h" });
      const [, payload] = told.splice(0)[0] as [unknown, number];
      expect(await jobRow(db, first?.id as number)).toMatchObject({ payload });
      return payload;
    };
    expect(await bulk("keep")).toBe(1);
    expect(await bulk("replace")).toBe(3);
    expect(await bulk("reschedule")).toBe(3);
  });

  test("is told before the transaction ends, and so of what is rolled back", async () => {
    const rolledBack = db.transaction(async (tx) => {
      await enqueue(tx, job, 7);
      expect(told).toMatchObject([[{ name: "counted" }, 7]]);
      tx.rollback();
    });
    await expect(rolledBack).rejects.toThrow("Rollback");
    expect(told).toHaveLength(1);
  });
});

test("a wrong listener, middleware or logger is said at start", () => {
  const config = { connection: url, jobs: {}, handlers: {} };
  const created = (more: object) => () => createWorker({ ...config, ...more });
  expect(created({ onEvent: "print" })).toThrow("configuration: onEvent must be a function");
  expect(created({ middleware: [() => 1, null] })).toThrow("configuration: middleware.1 must be a function");
  expect(created({ logger: { info() {} } })).toThrow(
    "configuration: logger must have the methods info, warn and error",
  );
});

describe("of a failure, a worker tells the error as it was thrown:", () => {
  class CardDeclined extends Error {
    readonly response = { status: 402 };
  }

  test("each that a handler throws, and which was the last", async () => {
    const thrown = [new CardDeclined("first"), new CardDeclined("last")];
    const events = await eventsOf((_, { attempt }) => Promise.reject(thrown[attempt - 1] as Error), 2);
    const failures = events.flatMap((event) => (isSettled(event) ? [[event.type, event.error]] : []));
    expect(failures).toEqual([
      ["retried", thrown[0]],
      ["dead", thrown[1]],
    ]);
    expect(failures.map(([, error]) => thrown.includes(error as CardDeclined))).toEqual([true, true]);
  });

  test.each<[what: string, run: HandlerFunction<null, unknown>, type: string, error: object]>([
    ["that it was given up", (_, job) => job.discard("enough"), "dead", { name: "Discard", message: "enough" }],
    ["that its result cannot be stored", () => 1n, "dead", { name: "InvalidValueError" }],
  ])("%s", async (_what, run, type, error) => {
    expect((await eventsOf(run)).at(-1)).toMatchObject({ type, error });
  });

  test("that its time was up", async () => {
    const job = { ...jobThat(() => new Promise(() => {}), 1), timeout: "20ms" } as const;
    const { id } = await enqueue(db, job, null);
    const { settled } = await startWorker(configFor(job, { timeoutGrace: "20ms" }));
    expect(await settled(id)).toMatchObject({ type: "dead", error: { name: "TimeoutError" } });
  });

  test("that no worker knows its name, or that its payload is refused", async () => {
    const job = jobThat(() => 1);
    const { settled } = await startWorker(configFor(job));
    const insert = async (name: string) => {
      const [row] =
        await sql`insert into soniq_jobs (queue, name, payload) values (${job.name}, ${name}, '7') returning id`;
      return Number((row as { id: string }).id);
    };
    expect(await settled(await insert("stranger"))).toMatchObject({
      type: "unknown",
      error: { message: 'this worker has no definition of the job "stranger"' },
    });
    expect(await settled(await insert(job.name))).toMatchObject({ type: "dead", error: { name: "InvalidValueError" } });
  });

  test("none where nothing failed", async () => {
    const events = [...(await eventsOf(() => 1)), ...(await eventsOf((_, job) => job.cancel("no")))];
    expect(events.filter(isSettled).map(({ error }) => error)).toEqual([undefined, undefined]);
  });

  test("and of a job that a rescue ended, why", async () => {
    const job = jobThat(() => 1);
    const { id } = await enqueue(db, job, null);
    await sql`update soniq_jobs set crashes = 4, state = 'active', worker_id = gen_random_uuid() where id = ${id}`;
    const { event } = await startWorker(configFor(job, { rescueInterval: "50ms" }));
    const { jobs } = await event("rescued", (one) => one.jobs.some((each) => each.id === id));
    expect(jobs.find((one) => one.id === id)).toMatchObject({ state: "dead", reason: "crashed 5 workers" });
  });
});

test("a backoff that returns a promise is no backoff, and what it rejects with ends no process", async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on("unhandledRejection", note);
  const backoff = (() => Promise.reject(new Error("no"))) as never;
  const job = { ...jobThat(() => Promise.reject(new Error("failed"))), backoff };
  const { id } = await enqueue(db, job, null);
  const { settled } = await startWorker(configFor(job));
  expect(await settled(id)).toMatchObject({ type: "retried" });
  await new Promise((done) => setTimeout(done));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("a worker that was stopped refuses to start with a rejection", async () => {
  const { worker } = await startWorker(configFor(jobThat(() => 1)));
  await worker.stop();
  const starting = worker.start();
  await expect(starting).rejects.toThrow("create another one");
});
