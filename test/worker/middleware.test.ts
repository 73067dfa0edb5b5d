// What stands around handlers: in which order, what it sees, and what its own end means for the attempt.
import { AsyncLocalStorage } from "node:async_hooks";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, type HandlerFunction, type Middleware, type SettledEvent } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { effectsIn, createEffects, effects } from "../support/effects.ts";
import { gate } from "../support/gate.ts";
import { type JobRow, jobRow } from "../support/job-row.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
await createEffects(sql);
let next = 0;

/** How the one attempt of a job ends that is run so. */
async function attempt(
  run: HandlerFunction<number, unknown>,
  ...middleware: Middleware[]
): Promise<{ event: SettledEvent; row: JobRow }> {
  const name = `job-${(next += 1)}`;
  const payload = v.pipe(v.string(), v.transform(Number));
  const job = defineJob({ name, queue: name, payload, result: v.any(), maxAttempts: 1, run });
  const { id } = await enqueue(db, job, "7", { meta: { trace: "t-1" } });
  const { settled } = await startWorker({ connection: url, jobs: { job }, handlers: {}, middleware });
  return { event: await settled(id), row: (await jobRow(db, id)) as JobRow };
}

const result = async (run: HandlerFunction<number, unknown>, ...middleware: Middleware[]) =>
  (await attempt(run, ...middleware)).row.result;

const fail = () => Promise.reject(new TypeError("failed"));

test("the first one is the outermost", async () => {
  const steps: string[] = [];
  const step =
    (name: string): Middleware =>
    async (_, proceed) => {
      steps.push(`${name} before`);
      await proceed();
      steps.push(`${name} after`);
    };
  await attempt(() => steps.push("handler"), step("first"), step("second"));
  expect(steps).toEqual(["first before", "second before", "handler", "second after", "first after"]);
});

test("it sees the job, its payload as validated, and the result", async () => {
  const seen: unknown[] = [];
  const look: Middleware = async ({ payload, name, attempt: n, meta }, proceed) => {
    seen.push({ payload, name, n, meta }, await proceed());
  };
  const { row } = await attempt((n) => n + 1, look);
  expect(seen).toEqual([{ payload: 7, name: row.name, n: 1, meta: { trace: "t-1" } }, 8]);
});

test("what it sets up lasts through the handler", async () => {
  const storage = new AsyncLocalStorage<unknown>();
  const scope: Middleware = (job, proceed) => storage.run(job.meta["trace"], proceed);
  expect(await result(async () => (await new Promise(setImmediate), storage.getStore()), scope)).toBe("t-1");
});

test("it wraps no job whose payload is refused", async () => {
  let called = false;
  const payload = v.number();
  const job = defineJob({ name: "refused", queue: "refused", payload, run: () => {} });
  await sql`insert into soniq_jobs (name, queue, payload) values ('refused', 'refused', '"seven"')`;
  const middleware: Middleware[] = [(_, proceed) => ((called = true), proceed())];
  const { event } = await startWorker({ connection: url, jobs: { job }, handlers: {}, middleware });
  expect((await event("dead")).outcome).toMatchObject({ reason: expect.stringContaining("invalid payload") });
  expect(called).toBe(false);
});

describe("if it returns nothing, the handler's end stands:", () => {
  const ways: [what: string, middleware: Middleware][] = [
    ["having waited for it", async (_, proceed) => void (await proceed())],
    ["having waited and caught its error", async (_, proceed) => void (await proceed().catch(() => {}))],
    ["not having waited", (_, proceed) => void proceed()],
  ];
  test.each(ways)("a result, %s", async (_, middleware) => {
    expect(await result(async (n) => (await new Promise(setImmediate), n), middleware)).toBe(7);
  });
  test.each(ways)("an error, %s", async (_, middleware) => {
    const { event } = await attempt(fail, middleware);
    expect(event).toMatchObject({ type: "dead", outcome: { error: { name: "TypeError", message: "failed" } } });
  });
  test.each(ways)("a snooze, %s", async (_, middleware) => {
    expect((await attempt((_payload, job) => job.snooze("1h"), middleware)).event.type).toBe("snoozed");
  });
});

describe("what it", () => {
  test("returns takes the place of the handler's result", async () => {
    expect(
      await result(
        (n) => n,
        async (_, proceed) => [await proceed()],
      ),
    ).toEqual([7]);
  });

  test("returns takes the place of the handler's error", async () => {
    expect(await result(fail, (_, proceed) => proceed().catch(() => "recovered"))).toBe("recovered");
  });

  test("returns before the handler has failed is the result, and the error is nobody's", async () => {
    const [goOn, failed] = [gate(), gate()];
    const slow = () => goOn.opened.then(() => (failed.open(), fail()));
    const middleware: Middleware = (_, proceed) => (void proceed(), "at once");
    expect(await result(slow, middleware)).toBe("at once");
    goOn.open();
    await failed.opened;
    // If nobody minded, the test run would end with an unhandled rejection.
    await new Promise(setImmediate);
  });

  test("throws fails the attempt", async () => {
    const { event, row } = await attempt(
      () => 1,
      async (_, proceed) => {
        await proceed();
        throw new RangeError("after all");
      },
    );
    expect(event).toMatchObject({ type: "dead", outcome: { error: { name: "RangeError" } } });
    expect(row.result).toBeNull();
  });

  test("throws without being asynchronous, or without throwing an error, fails the attempt", async () => {
    const throwing = (value: unknown): Middleware => {
      return () => {
        throw value;
      };
    };
    expect((await attempt(() => 1, throwing(new Error("at once")))).row.reason).toBe("out of attempts: at once");
    expect((await attempt(() => 1, throwing("words"))).row.reason).toBe("out of attempts: words");
    expect((await attempt(() => 1, throwing(undefined))).event.type).toBe("dead");
  });

  test("throws after the job's transaction was committed changes nothing", async () => {
    const { event, row } = await attempt(
      (n, job) => job.transaction(async (tx) => void (await (tx as typeof db).insert(effects).values({ n }))),
      async (_, proceed) => {
        await proceed();
        throw new Error("too late");
      },
    );
    expect([event.type, row.state]).toEqual(["completed", "completed"]);
    expect(await effectsIn(sql)).toEqual([7]);
  });
});

describe("without calling next(), the handler does not run, and", () => {
  const never = () => expect.fail("it ran");

  test("a directive decides", async () => {
    expect((await attempt(never, (job) => job.snooze("1h"))).event.type).toBe("snoozed");
    expect((await attempt(never, (job) => job.discard("not today"))).row.reason).toBe("discarded: not today");
  });

  test("a result completes the job", async () => {
    expect(await result(never, () => "cached")).toBe("cached");
  });

  test("nothing is a mistake that fails the attempt", async () => {
    const { row } = await attempt(never, () => {});
    expect(row).toMatchObject({
      state: "dead",
      reason: expect.stringMatching(/returned nothing without calling next\(\)/),
    });
  });
});

test("next() called twice runs the handler once", async () => {
  let runs = 0;
  const { row } = await attempt(
    () => (runs += 1),
    async (_, proceed) => {
      await proceed();
      return proceed();
    },
  );
  expect(runs).toBe(1);
  expect(row.reason).toMatch(/called next\(\) twice/);
});

test("the time it takes counts towards the job's timeout, and its signal is the handler's", async () => {
  const job = defineJob({
    name: "slow",
    queue: "slow",
    payload: v.null(),
    timeout: "50ms",
    maxAttempts: 1,
    run: () => {},
  });
  const { id } = await enqueue(db, job, null);
  const slow: Middleware = ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const { settled } = await startWorker({ connection: url, jobs: { job }, handlers: {}, middleware: [slow] });
  expect((await settled(id)).outcome).toMatchObject({ kind: "dead", error: { name: "TimeoutError" } });
});
