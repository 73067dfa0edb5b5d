// How the outcomes of attempts are written down. What becomes of what is in test/jobs/outcome.test.ts.
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import {
  Cancel,
  defineJob,
  Discard,
  enqueue,
  type HandlerFunction,
  type JobSettings,
  RetryAfter,
  Snooze,
} from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { type JobRow, jobRow } from "../support/job-row.ts";
import { isSettled, type ObservedWorker, startWorker } from "../support/worker.ts";

const { db, url } = await testDatabase();

/** Starts a worker for jobs that are run so, and enqueues one. */
async function running(
  run: HandlerFunction<null, unknown>,
  settings: JobSettings<null> = {},
): Promise<{ worker: ObservedWorker; id: number; row: () => Promise<JobRow> }> {
  const job = defineJob({ name: "work", payload: v.null(), result: v.any(), run, ...settings });
  const { id } = await enqueue(db, job, null);
  const worker = await startWorker({ connection: url, jobs: { job }, handlers: {}, pollInterval: "200ms" });
  return { worker, id, row: async () => (await jobRow(db, id)) as JobRow };
}

/** The outcomes of a job so far, in order. */
function outcomes({ events }: ObservedWorker): string[] {
  return events.flatMap((event) => (isSettled(event) ? event.outcome.kind : []));
}

describe("a job that completes", () => {
  test("is completed with its result, and held by nobody", async () => {
    const { worker, id, row } = await running(async () => ({ messageId: "m1", parts: [1, null] }));
    const { job, state, runMs } = await worker.settled(id);
    expect({ state, attempt: job.attempt, timed: runMs >= 0 }).toEqual({ state: "completed", attempt: 1, timed: true });
    const { finishedAt, claimedAt, lastWorkerId, ...rest } = await row();
    expect(rest).toMatchObject({
      state: "completed",
      result: { messageId: "m1", parts: [1, null] },
      attempt: 1,
      claims: 1,
      errors: [],
      reason: null,
      workerId: null,
      deadlineAt: null,
    });
    expect(finishedAt?.getTime()).toBeGreaterThanOrEqual(claimedAt?.getTime() as number);
    expect(lastWorkerId).not.toBeNull();
  });

  test.each([[null], ["text"], [7], [false], [[]], [["a", null]], [{ quote: '"', umlaut: "ä", emoji: "😀" }]])(
    "keeps %j as its result",
    async (result) => {
      const { worker, id, row } = await running(() => result);
      await worker.settled(id, "completed");
      expect((await row()).result).toEqual(result);
    },
  );
});

describe("a job that fails", () => {
  test("is tried again with its definition's backoff, and completes with the errors kept", async () => {
    const { worker, id, row } = await running(
      (_, { attempt }) => {
        if (attempt < 3) throw new TypeError(`failure ${attempt}`);
        return attempt;
      },
      { backoff: (attempt) => attempt * 10 },
    );
    await worker.settled(id, "completed");
    const delays = worker.events.flatMap((event) =>
      isSettled(event) && event.outcome.kind === "retried" ? event.outcome.delayMs : [],
    );
    expect(delays).toEqual([10, 20]);
    const { errors, lastWorkerId, ...rest } = await row();
    expect(rest).toMatchObject({ attempt: 3, claims: 3, result: 3, reason: null, runAt: expect.any(Date) });
    const kept = { name: "TypeError", worker: lastWorkerId, at: expect.any(String), stack: expect.any(String) };
    expect(errors).toEqual([
      { ...kept, attempt: 1, message: "failure 1" },
      { ...kept, attempt: 2, message: "failure 2" },
    ]);
  });

  test("waits for as long as its backoff says", async () => {
    const fail = () => {
      throw new Error("not yet");
    };
    const { worker, id, row } = await running(fail, { backoff: () => "1h" });
    await worker.settled(id, "queued");
    const { runAt, claimedAt, ...rest } = await row();
    expect(rest).toMatchObject({ state: "queued", attempt: 1, finishedAt: null, workerId: null });
    expect(runAt.getTime()).toBeGreaterThanOrEqual((claimedAt?.getTime() as number) + 3_600_000);
  });

  test("is a dead letter after its last attempt, with the reason and all errors", async () => {
    const { worker, id, row } = await running(
      (_, { attempt, maxAttempts }) => {
        throw new Error(`failure ${attempt} of ${maxAttempts}`);
      },
      { maxAttempts: 3, backoff: () => 0 },
    );
    await worker.settled(id, "dead");
    const { errors, ...rest } = await row();
    expect(rest).toMatchObject({ state: "dead", attempt: 3, reason: "out of attempts: failure 3 of 3" });
    expect(rest.finishedAt).not.toBeNull();
    expect(errors).toMatchObject([1, 2, 3].map((attempt) => ({ attempt, message: `failure ${attempt} of 3` })));
  });

  test("keeps the last ten errors, newest last", async () => {
    const { worker, id, row } = await running(
      (_, { attempt }) => {
        throw new Error(`failure ${attempt}`);
      },
      { maxAttempts: 13, backoff: () => 0 },
    );
    await worker.settled(id, "dead");
    const attempts = ((await row()).errors as { attempt: number }[]).map(({ attempt }) => attempt);
    expect(attempts).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  });

  test("asks for its own delay, from far below", async () => {
    const callService = async () => {
      await sleep(1);
      throw new RetryAfter("2h", "429");
    };
    const { worker, id, row } = await running(async () => callService(), { backoff: () => 0 });
    const { outcome } = await worker.settled(id, "queued");
    expect(outcome).toMatchObject({ kind: "retried", delayMs: 7_200_000 });
    expect(await row()).toMatchObject({ attempt: 1, errors: [{ name: "RetryAfter", message: "429" }] });
  });
});

describe("a job that takes longer than its timeout", () => {
  test("sees its signal aborted, and is tried again", async () => {
    const reason = gate<unknown>();
    const { worker, id, row } = await running(
      async (_, { signal, attempt }) => {
        if (attempt > 1) return "in time";
        await new Promise((aborted) => signal.addEventListener("abort", aborted));
        reason.open(signal.reason);
        throw new Error("whatever it throws then");
      },
      { timeout: "50ms", backoff: () => 0 },
    );
    await worker.settled(id, "completed");
    expect(await reason.opened).toMatchObject({ name: "TimeoutError", message: "the job's timeout has passed" });
    const error = { name: "TimeoutError", message: "the job's timeout has passed", attempt: 1 };
    expect(await row()).toMatchObject({ attempt: 2, result: "in time", errors: [error] });
  });

  test("is a dead letter when that was its last attempt", async () => {
    const { worker, id, row } = await running(
      async (_, { signal }) => {
        await sleep(60_000, undefined, { signal });
      },
      { timeout: "50ms", maxAttempts: 1 },
    );
    await worker.settled(id, "dead");
    expect(await row()).toMatchObject({ reason: "out of attempts: the job's timeout has passed", attempt: 1 });
  });

  test("and completes all the same stays completed", async () => {
    const { worker, id, row } = await running(
      async (_, { signal }) => {
        await new Promise((aborted) => signal.addEventListener("abort", aborted));
        return "done";
      },
      { timeout: "50ms" },
    );
    await worker.settled(id);
    expect(await row()).toMatchObject({ state: "completed", result: "done", errors: [] });
  });
});

describe.each<[how: string, end: (directive: Error) => unknown]>([
  ["returned", (directive) => directive],
  [
    "thrown from below",
    (directive) => {
      throw directive;
    },
  ],
])("a directive that is %s", (_, end) => {
  test("snoozes: that costs no attempt, and leaves no error", async () => {
    const { worker, id, row } = await running(
      async (_payload, { attempt, ...job }) => ((await jobRow(db, id))?.claims === 3 ? attempt : end(job.snooze(1))),
      { maxAttempts: 1 },
    );
    await worker.settled(id, "completed");
    expect(outcomes(worker)).toEqual(["snoozed", "snoozed", "completed"]);
    expect(await row()).toMatchObject({ attempt: 1, claims: 3, result: 1, errors: [] });
  });

  test("snoozes for as long as it says", async () => {
    const { worker, id, row } = await running(() => end(new Snooze("1h")));
    await worker.settled(id, "queued");
    const { runAt, claimedAt, attempt } = await row();
    expect(attempt).toBe(0);
    expect(runAt.getTime()).toBeGreaterThanOrEqual((claimedAt?.getTime() as number) + 3_600_000);
  });

  test("cancels with its reason", async () => {
    const { worker, id, row } = await running((_payload, job) => end(job.cancel("no longer wanted")));
    await worker.settled(id, "cancelled");
    const { finishedAt, ...rest } = await row();
    expect(rest).toMatchObject({ reason: "no longer wanted", errors: [], result: null, cancelRequestedAt: null });
    expect(finishedAt).not.toBeNull();
  });

  test("discards with its reason, whatever attempts are left", async () => {
    const { worker, id, row } = await running((_payload, job) => end(job.discard("no such order")));
    await worker.settled(id, "dead");
    const error = { name: "Discard", message: "no such order", attempt: 1 };
    expect(await row()).toMatchObject({ reason: "discarded: no such order", attempt: 1, errors: [error] });
  });

  test.each<[directive: Error, state: string, reason: string]>([
    [new Cancel("by its class"), "cancelled", "by its class"],
    [new Discard("by its class"), "dead", "discarded: by its class"],
  ])("is the same made by its class: %s", async (directive, state, reason) => {
    const { worker, id, row } = await running(() => end(directive));
    await worker.settled(id, state);
    expect(await row()).toMatchObject({ state, reason });
  });
});
