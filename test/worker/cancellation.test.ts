import * as v from "valibot";
import { describe, expect, test } from "vitest";
import {
  cancelJob,
  defineJob,
  enqueue,
  enqueueMany,
  type HandlerFunction,
  type JobContext,
  type WorkerConfig,
} from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const idle = defineJob({ name: "idle", queue: "nobody's", payload: v.null() });

/** Nothing but a notification makes a worker look before the test times out. */
const onlyBells = { pollInterval: "1h", lease: "1h" } as const;

/** Starts a worker, and a job that is run so. */
async function running(run: HandlerFunction<null, unknown>, config: Partial<WorkerConfig> = onlyBells) {
  const started = gate<AbortSignal>();
  const job = defineJob({
    name: "work",
    payload: v.null(),
    result: v.any(),
    run: (payload, context) => {
      started.open(context.signal);
      return run(payload, context);
    },
  });
  const { id } = await enqueue(db, job, null);
  const observed = await startWorker({ connection: url, jobs: { job }, handlers: {}, ...config });
  await listening();
  return { ...observed, id, signal: await started.opened };
}

/** When the worker hears all bells: of these it listens to last. */
async function listening(): Promise<void> {
  await until(async () => {
    const listeners = await sql`select from pg_stat_activity
      where datname = current_database() and query like '%listen "soniq_resume"' and state = 'idle'`;
    return listeners.length > 0;
  });
}

/** Runs until its signal is aborted, and throws the reason. */
const untilAborted: HandlerFunction<null, unknown> = (_, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

const fail = () => {
  throw new Error("failed");
};

/** As when the bell of a cancellation is not heard. */
async function cancelUnheard(id: number): Promise<void> {
  await sql`update soniq_jobs set cancel_requested_at = now(), reason = 'unheard' where id = ${id}`;
}

describe("a job that is queued", () => {
  test("is cancelled at once, with the reason", async () => {
    const { id } = await enqueue(db, idle, null);
    expect(await cancelJob(db, id, "no longer wanted")).toBe("cancelled");
    const { finishedAt, cancelRequestedAt, ...rest } = { ...(await jobRow(db, id)) };
    expect(rest).toMatchObject({ state: "cancelled", reason: "no longer wanted", attempt: 0, claims: 0 });
    expect(finishedAt).toBeInstanceOf(Date);
    expect(cancelRequestedAt).toEqual(finishedAt);
  });

  test("needs no reason, also when it is not due yet", async () => {
    const { id } = await enqueue(db, idle, null, { delay: "1h" });
    expect(await cancelJob(db, id)).toBe("cancelled");
    expect(await jobRow(db, id)).toMatchObject({ state: "cancelled", reason: "cancelled" });
  });

  test("frees its unique key", async () => {
    const first = await enqueue(db, idle, null, { uniqueKey: "k" });
    await cancelJob(db, first.id);
    expect(await enqueue(db, idle, null, { uniqueKey: "k" })).toMatchObject({ deduplicated: false });
  });

  test("has a reason that can be stored, whatever it says", async () => {
    const { id } = await enqueue(db, idle, null);
    await cancelJob(db, id, "a\0b, password=hunter2");
    expect(await jobRow(db, id)).toMatchObject({ reason: "a\u{fffd}b, password=***" });
  });

  test("is never run", async () => {
    const ran: number[] = [];
    const job = defineJob({ name: "step", payload: v.number(), run: (n) => void ran.push(n) });
    const first = await enqueue(db, job, 1);
    const second = await enqueue(db, job, 2);
    await cancelJob(db, first.id);
    const worker = await startWorker({ connection: url, jobs: { job }, handlers: {} });
    await worker.settled(second.id, "completed");
    expect(ran).toEqual([2]);
  });
});

describe("a job that runs", () => {
  test("sees its signal aborted, without waiting for a beat or poll, and is cancelled with the reason", async () => {
    const { settled, id, signal } = await running(untilAborted);
    expect(await cancelJob(db, id, "the order was withdrawn")).toBe("requested");
    expect(await settled(id, "cancelled")).toMatchObject({ outcome: { kind: "cancelled" } });
    expect(signal.reason).toMatchObject({ name: "AbortError", message: "the job was cancelled" });
    const { finishedAt, cancelRequestedAt, ...rest } = { ...(await jobRow(db, id)) };
    expect(rest).toMatchObject({ state: "cancelled", reason: "the order was withdrawn", workerId: null, errors: [] });
    expect([finishedAt, cancelRequestedAt]).toEqual([expect.any(Date), expect.any(Date)]);
  });

  test("sees its signal aborted at a beat, when no bell was heard", async () => {
    const { settled, id } = await running(untilAborted, { lease: "400ms" });
    await cancelUnheard(id);
    await settled(id, "cancelled");
    expect(await jobRow(db, id)).toMatchObject({ reason: "unheard" });
  });

  test("is still active until its handler has ended", async () => {
    const end = gate();
    const { settled, id, signal } = await running(async (_, job) => {
      await end.opened;
      throw job.signal.reason;
    });
    const aborted = new Promise((done) => signal.addEventListener("abort", done));
    await cancelJob(db, id);
    await aborted;
    expect(await jobRow(db, id)).toMatchObject({ state: "active" });
    end.open();
    await settled(id, "cancelled");
  });

  test("and completes all the same stays completed", async () => {
    const { settled, id } = await running(async (_, { signal }) => {
      await new Promise((aborted) => signal.addEventListener("abort", aborted));
      return "too late";
    });
    expect(await cancelJob(db, id, "why")).toBe("requested");
    await settled(id);
    expect(await jobRow(db, id)).toMatchObject({ state: "completed", result: "too late", reason: null });
  });

  test.each<[what: string, end: (job: JobContext) => unknown]>([
    ["discards itself", (job) => job.discard("no such order")],
    ["cancels itself", (job) => job.cancel("no such order")],
    ["fails", fail],
  ])("and %s is cancelled for the reason it was asked", async (_, end) => {
    const { settled, id } = await running(async (_payload, job) => {
      await new Promise((aborted) => job.signal.addEventListener("abort", aborted));
      return end(job);
    });
    await cancelJob(db, id, "withdrawn");
    await settled(id);
    expect(await jobRow(db, id)).toMatchObject({ state: "cancelled", reason: "withdrawn" });
  });

  test("is interrupted alone: the jobs beside it go on", async () => {
    const goOn = gate();
    const started: { id: number; signal: AbortSignal }[] = [];
    const both = gate();
    const job = defineJob({
      name: "work",
      payload: v.null(),
      run: async (payload, context) => {
        if (started.push(context) === 2) both.open();
        await Promise.race([goOn.opened, untilAborted(payload, context)]);
      },
    });
    const [first, second] = await enqueueMany(db, job, [null, null]);
    const { settled } = await startWorker({ connection: url, jobs: { job }, handlers: {}, ...onlyBells });
    await Promise.all([both.opened, listening()]);
    await cancelJob(db, first?.id as number);
    await settled(first?.id as number, "cancelled");
    expect(started.find(({ id }) => id === second?.id)?.signal.aborted).toBe(false);
    goOn.open();
    await settled(second?.id as number, "completed");
  });
});

describe("a cancellation that its worker has not heard of makes an end", () => {
  test.each<[what: string, end: HandlerFunction<null, unknown>]>([
    ["of a retry", fail],
    ["of a snooze", (_, job) => job.snooze("1h")],
  ])("%s", async (_, end) => {
    const { settled, id } = await running(async (payload, job) => {
      await cancelUnheard(job.id);
      return end(payload, job);
    });
    const { outcome } = await settled(id, "cancelled");
    expect(outcome.kind).toMatch(/^(retried|snoozed)$/);
    const { finishedAt, ...rest } = { ...(await jobRow(db, id)) };
    expect(rest).toMatchObject({ state: "cancelled", reason: "unheard", workerId: null });
    expect(finishedAt).toBeInstanceOf(Date);
  });

  test("of what a shutdown gives back", async () => {
    const { worker, settled, id } = await running(untilAborted);
    await cancelUnheard(id);
    await worker.stop({ timeout: 0 });
    expect(await settled(id, "cancelled")).toMatchObject({ outcome: { kind: "released" } });
    expect(await jobRow(db, id)).toMatchObject({ state: "cancelled", reason: "unheard", attempt: 0 });
  });
});

test.each(["completed", "cancelled", "dead"])("a job that is %s is not found, and stays as it is", async (state) => {
  const { id } = await enqueue(db, idle, null);
  await sql`update soniq_jobs set state = ${state}, finished_at = now(), reason = 'its own' where id = ${id}`;
  const before = await jobRow(db, id);
  expect(await cancelJob(db, id, "another")).toBe("not found");
  expect(await jobRow(db, id)).toEqual(before);
});

test.each([987_654_321, 0, -1, 1.5, NaN])("a job that there is not, such as %s, is not found", async (id) => {
  expect(await cancelJob(db, id)).toBe("not found");
});

describe("on a transaction", () => {
  test("that is rolled back, a cancellation does nothing", async () => {
    const goOn = gate();
    const { settled, id, signal } = await running(async () => goOn.opened);
    const waiting = await enqueue(db, idle, null);
    const transaction = db.transaction(async (tx) => {
      expect(await cancelJob(tx, waiting.id)).toBe("cancelled");
      expect(await cancelJob(tx, id)).toBe("requested");
      tx.rollback();
    });
    await expect(transaction).rejects.toThrow("Rollback");
    expect(await jobRow(db, waiting.id)).toMatchObject({ state: "queued", cancelRequestedAt: null, reason: null });
    goOn.open();
    await settled(id, "completed");
    expect(signal.aborted).toBe(false);
  });

  test("that commits, it takes hold then", async () => {
    const { settled, id, signal } = await running(untilAborted);
    await db.transaction(async (tx) => {
      await cancelJob(tx, id, "with the order");
      expect(signal.aborted).toBe(false);
    });
    await settled(id, "cancelled");
    expect(await jobRow(db, id)).toMatchObject({ reason: "with the order" });
  });
});
