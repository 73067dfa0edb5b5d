// `job.snooze()` and the like take effect when they are returned or thrown. One that is left lying must not complete the job.
import { sql as text } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as v from "valibot";
import { afterAll, describe, expect, test } from "vitest";
import { defineJob, enqueue, type HandlerFunction, type Middleware, type SettledEvent } from "../../src/index.ts";
import { runJobs, withRollback } from "../../src/testing.ts";
import { testDatabase } from "../support/database.ts";
import { createEffects, effectsIn } from "../support/effects.ts";
import { gate } from "../support/gate.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
await createEffects(sql);
const client = postgres(url, { max: 2, onnotice: () => {} });
afterAll(() => client.end());
const kit = drizzle({ client });

type Handle = HandlerFunction<null, unknown>;
let next = 0;

function jobThat(run: Handle) {
  const name = `job-${(next += 1)}`;
  return defineJob({ name, queue: name, payload: v.null(), result: v.any(), backoff: () => 3_600_000, run });
}

async function endInWorker(run: Handle, ...middleware: Middleware[]): Promise<SettledEvent> {
  const job = jobThat(run);
  const { id } = await enqueue(db, job, null);
  const { settled } = await startWorker({ connection: url, jobs: { job }, handlers: {}, middleware });
  return settled(id);
}

async function endInTest(run: Handle, ...middleware: Middleware[]): Promise<SettledEvent> {
  const job = jobThat(run);
  return withRollback(kit, async (tx) => {
    await enqueue(tx, job, null);
    const [ended] = await runJobs(tx, { jobs: { job }, handlers: {}, middleware });
    return ended as SettledEvent;
  });
}

const forgotten: [what: string, run: Handle, call: string][] = [
  ["was only called", (_, job) => void job.snooze("1h"), "job.snooze"],
  ["was called where another value is returned", (_, job) => (job.cancel("no"), 7), "job.cancel"],
  ["is within what is returned", (_, job) => ({ end: job.discard("no") }), "job.discard"],
  ["is among a list", (_, job) => [job.snooze("1h")], "job.snooze"],
  ["was called in a function that nobody waited for", (_, job) => void Promise.resolve(job.snooze("1h")), "job.snooze"],
  [
    "was thrown and caught",
    async (_, job) => {
      try {
        throw job.discard("no");
      } catch {
        return 7;
      }
    },
    "job.discard",
  ],
  [
    "was only called in a transaction",
    (_, job) =>
      job.transaction(async (tx) => {
        await tx.execute(text`insert into effects values (1)`);
        job.snooze("1h");
      }),
    "job.snooze",
  ],
  [
    "was called before a transaction",
    async (_, job) => {
      job.snooze("1h");
      await job.transaction(async (tx) => void (await tx.execute(text`insert into effects values (1)`)));
    },
    "job.snooze",
  ],
  [
    "was called in a transaction whose failure nobody minds",
    async (_, job) => {
      await job.transaction(async () => void job.cancel("no")).catch(() => {});
      return 7;
    },
    "job.cancel",
  ],
];

describe.each([
  ["a worker", endInWorker],
  ["the test kit", endInTest],
])("in %s", (_where, endOf) => {
  test.each(forgotten)("a directive that %s fails the attempt, which says so", async (_what, run, call) => {
    const event = await endOf(run);
    expect(event).toMatchObject({ type: "retried", state: "queued" });
    expect((event.error as Error).message).toBe(`${call}() was called and not returned: write \`return ${call}(...)\``);
    expect(await effectsIn(sql)).toEqual([]);
  });

  test("so does one that a middleware forgets", async () => {
    const event = await endOf(
      () => 7,
      async (job, proceed) => {
        await proceed();
        job.snooze("1h");
      },
    );
    expect(event).toMatchObject({ type: "retried", error: { message: expect.stringContaining("job.snooze()") } });
  });

  test.each<[what: string, run: Handle, type: string]>([
    ["is returned", (_, job) => job.snooze("1h"), "snoozed"],
    ["is thrown", (_, job) => Promise.reject(job.cancel("no")), "cancelled"],
    ["is returned, where another was made", (_, job) => (job.snooze("1h"), job.discard("no")), "dead"],
    ["a transaction returns", (_, job) => job.transaction(async () => job.snooze("1h")), "snoozed"],
    [
      "only its transaction returns",
      async (_, job) => void (await job.transaction(async () => job.snooze("1h"))),
      "snoozed",
    ],
  ])("one that %s takes effect", async (_what, run, type) => {
    expect(await endOf(run)).toMatchObject({ type });
  });

  test("an error that is thrown after one was made is the failure", async () => {
    const event = await endOf((_, job) => {
      job.snooze("1h");
      throw new TypeError("failed");
    });
    expect(event).toMatchObject({ type: "retried", error: { name: "TypeError", message: "failed" } });
  });

  test("a middleware may put a result in the place of one that its handler returned", async () => {
    const event = await endOf(
      (_, job) => job.snooze("1h"),
      async (_, proceed) => ({ instead: (await proceed()) !== undefined }),
    );
    expect(event).toMatchObject({ type: "completed", outcome: { result: '{"instead":true}' } });
  });
});

test("one that a transaction's body made before another one was in its way is forgotten with that try", async () => {
  let tries = 0;
  const event = await endInWorker((_, job) =>
    job.transaction(async () => {
      if ((tries += 1) > 1) return 7;
      job.snooze("1h");
      throw Object.assign(new Error("could not serialize access"), { code: "40001" });
    }),
  );
  expect(event).toMatchObject({ type: "completed" });
  expect(tries).toBe(2);
});

test.each<[what: string, run: (job: Parameters<Handle>[1], ended: Promise<void>) => unknown]>([
  [
    "returned after the transaction has completed the job",
    async (job) => {
      await job.transaction(async () => 7);
      return job.snooze("1h");
    },
  ],
  [
    "made after the attempt has ended",
    (job, ended) => {
      void ended.then(() => job.snooze("1h"));
      return 7;
    },
  ],
])("one that is %s changes nothing, and is a late error", async (_what, run) => {
  const ended = gate();
  const job = jobThat((_, context) => run(context, ended.opened));
  const { id } = await enqueue(db, job, null);
  const { settled, event, events } = await startWorker({ connection: url, jobs: { job }, handlers: {} });
  await settled(id, "completed");
  ended.open();
  expect(await event("late-error")).toMatchObject({
    error: { message: expect.stringContaining("job.snooze() came after") },
  });
  expect(events.filter(({ type }) => type === "late-error")).toHaveLength(1);
});
