// What becomes of the options of `enqueue`, and of the definition's own.
import { sql } from "drizzle-orm";
import * as v from "valibot";
import { expect, test } from "vitest";
import { z } from "zod";
import { defineJob, enqueue, type EnqueueOptions } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { type JobRow, jobRow } from "../support/job-row.ts";

const { db } = await testDatabase();
const plain = defineJob({ name: "plain", payload: v.object({ n: v.number() }) });
const tuned = defineJob({ name: "tuned", payload: v.null(), queue: "mail", priority: 2, maxAttempts: 3 });

async function enqueued(options?: EnqueueOptions): Promise<JobRow> {
  const { id } = await enqueue(db, plain, { n: 1 }, options);
  return (await jobRow(db, id)) as JobRow;
}

/** Milliseconds since 1970 by the database's clock. */
async function databaseTime(): Promise<number> {
  const [row] = await db.execute<{ ms: string }>(sql`select extract(epoch from clock_timestamp()) * 1000 as ms`);
  return Number(row?.ms);
}

test("a job is queued with the defaults", async () => {
  expect(await enqueued()).toMatchObject({
    name: "plain",
    queue: "default",
    state: "queued",
    priority: 5,
    maxAttempts: 10,
    attempt: 0,
    payload: { n: 1 },
    uniqueKey: null,
    tags: [],
    meta: {},
  });
});

test("a job is queued as its definition says", async () => {
  const { id } = await enqueue(db, tuned, null);
  expect(await jobRow(db, id)).toMatchObject({ queue: "mail", priority: 2, maxAttempts: 3, payload: null });
});

test("options come before what the definition says, the lowest values as well", async () => {
  const { id } = await enqueue(db, tuned, null, { queue: "other", priority: 0, maxAttempts: 1 });
  expect(await jobRow(db, id)).toMatchObject({ queue: "other", priority: 0, maxAttempts: 1 });
});

test("options that are undefined are as good as none", async () => {
  const none = { queue: undefined, priority: undefined, runAt: undefined, tags: undefined, meta: undefined };
  // What a caller without TypeScript, or without exact optional properties, passes.
  const { id } = await enqueue(db, tuned, null, none as unknown as EnqueueOptions);
  expect(await jobRow(db, id)).toMatchObject({ queue: "mail", priority: 2, tags: [], meta: {} });
});

test("a job runs at the time it was given, to the millisecond", async () => {
  const runAt = new Date("2099-12-31T23:59:59.987Z");
  expect((await enqueued({ runAt })).runAt).toEqual(runAt);
  const farthest = new Date("9999-12-31T00:00:00Z");
  expect((await enqueued({ runAt: farthest })).runAt).toEqual(farthest);
});

test.each([
  ["a second ago", new Date(Date.now() - 1_000)],
  ["1970", new Date(0)],
  ["before Christ", new Date(-8e13)],
  ["the first time that JavaScript knows", new Date(-8.64e15)],
])("a time in the past means now: %s", async (_when, runAt) => {
  const before = await databaseTime();
  const job = await enqueued({ runAt });
  expect(job.runAt.getTime()).toBeGreaterThanOrEqual(Math.floor(before));
  expect(job.runAt.getTime()).toBeLessThanOrEqual(await databaseTime());
});

test("the last time that JavaScript knows can be stored", async () => {
  const { id } = await enqueue(db, plain, { n: 1 }, { runAt: new Date(8.64e15) });
  const [row] = await db.execute(sql`select extract(year from run_at)::int as year from soniq_jobs where id = ${id}`);
  expect(row).toEqual({ year: 275760 });
});

test("a delay counts from the moment of the call by the database's clock, in a long transaction too", async () => {
  const { before, id, after } = await db.transaction(async (tx) => {
    await tx.execute(sql`select pg_sleep(0.05)`);
    return {
      before: await databaseTime(),
      id: (await enqueue(tx, plain, { n: 1 }, { delay: "90s" })).id,
      after: await databaseTime(),
    };
  });
  const runAt = (await jobRow(db, id))?.runAt.getTime();
  expect(runAt).toBeGreaterThanOrEqual(Math.floor(before) + 90_000);
  expect(runAt).toBeLessThanOrEqual(after + 90_000);
});

test.each([0, "0s", "0.5ms"] as const)("a delay of %s is next to none", async (delay) => {
  const job = await enqueued({ delay });
  expect(job.runAt.getTime()).toBeLessThanOrEqual((await databaseTime()) + 1);
});

test("tags and meta travel with the job", async () => {
  const tags = ["customer 7", "€", "a\"b'c\\d", '{"a":1}'];
  const meta = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", deep: { list: [1, null] } };
  expect(await enqueued({ tags, meta })).toMatchObject({ tags, meta });
});

test("names and queues may hold whatever PostgreSQL can store", async () => {
  const odd = defineJob({ name: "ein Name: „größer“ 🎉 'x'; --", payload: v.null(), queue: 'schlange\'s \\ "1"' });
  const { id, name } = await enqueue(db, odd, null);
  expect(name).toBe("ein Name: „größer“ 🎉 'x'; --");
  expect(await jobRow(db, id)).toMatchObject({ name: odd.name, queue: odd.queue });
});

test("what is stored is what was passed, not what the validator makes of it", async () => {
  const report = defineJob({
    name: "report",
    payload: z.object({ day: z.string().transform((text) => new Date(text)), pages: z.coerce.number().default(1) }),
  });
  const { id } = await enqueue(db, report, { day: "2026-11-23" });
  expect((await jobRow(db, id))?.payload).toEqual({ day: "2026-11-23" });
});

test("a validator that drops properties does not change what is stored", async () => {
  const payload = { n: 1, note: "from elsewhere" };
  const { id } = await enqueue(db, plain, payload);
  expect((await jobRow(db, id))?.payload).toEqual(payload);
});

test("a payload that its validator changes in place is stored as it was passed", async () => {
  const rounded = defineJob({
    name: "rounded",
    payload: z.custom<{ price: number }>((value) => {
      (value as { price: number }).price = Math.round((value as { price: number }).price);
      return true;
    }),
  });
  const { id } = await enqueue(db, rounded, { price: 9.99 });
  expect((await jobRow(db, id))?.payload).toEqual({ price: 9.99 });
});

test("validators may take their time", async () => {
  const patient = defineJob({
    name: "patient",
    payload: v.pipeAsync(
      v.string(),
      v.checkAsync(async (text) => text !== "no", "says no"),
    ),
  });
  const { id } = await enqueue(db, patient, "yes");
  expect((await jobRow(db, id))?.payload).toBe("yes");
  await expect(enqueue(db, patient, "no")).rejects.toThrow("job patient: payload is not valid: says no");
});
