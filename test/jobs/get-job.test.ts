// What `getJob` tells of a job, whatever has become of it.
import * as v from "valibot";
import { expect, test } from "vitest";
import { z } from "zod";
import { cancelJob, defineJob, enqueue, getJob } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

const report = defineJob({
  name: "report",
  queue: "reports",
  payload: z.object({ day: z.string().transform((text) => new Date(text)) }),
  result: v.pipe(
    v.object({ at: v.string() }),
    v.transform(({ at }) => new Date(at)),
  ),
  maxAttempts: 2,
  backoff: () => 0,
});

test("a job that waits is as it was enqueued, its payload as it is stored", async () => {
  const runAt = new Date("2099-12-31T23:59:59.987Z");
  const handle = await enqueue(
    db,
    report,
    { day: "2026-11-26" },
    { runAt, priority: 1, tags: ["a", "b"], meta: { trace: { id: "x" } } },
  );
  const job = await getJob(db, report, handle);
  expect(job).toEqual({
    id: handle.id,
    name: "report",
    queue: "reports",
    state: "queued",
    priority: 1,
    attempt: 0,
    maxAttempts: 2,
    crashes: 0,
    manualRetries: 0,
    tags: ["a", "b"],
    reason: null,
    workerId: null,
    createdAt: (await jobRow(db, handle.id))?.createdAt,
    runAt,
    claimedAt: null,
    cancelRequestedAt: null,
    finishedAt: null,
    payload: { day: "2026-11-26" },
    progress: null,
    result: null,
    errors: [],
    logs: [],
    meta: { trace: { id: "x" } },
    uniqueKey: null,
    expiresAt: null,
    lastWorkerId: null,
  });
});

test("a completed job has the result that its validator makes of it, and the failures before", async () => {
  const { settled } = await startWorker({
    connection: url,
    jobs: { report },
    handlers: {
      report: (_payload: unknown, job: { attempt: number }) => {
        if (job.attempt === 1) throw new RangeError("no paper");
        return { at: "2026-11-26T00:00:00.000Z" };
      },
    },
  });
  const { id } = await enqueue(db, report, { day: "2026-11-25" });
  await settled(id, "completed");
  const job = await getJob(db, report, id);
  expect(job).toMatchObject({ state: "completed", attempt: 2, result: new Date("2026-11-26") });
  expect(job?.errors).toEqual([
    expect.objectContaining({
      attempt: 1,
      name: "RangeError",
      message: "no paper",
      at: expect.stringMatching(/^2\d\d\d-/),
    }),
  ]);
  expect(job?.finishedAt).toEqual((await jobRow(db, id))?.finishedAt);
  // Without its definition, what is stored.
  expect(await getJob(db, id)).toMatchObject({ name: "report", result: { at: "2026-11-26T00:00:00.000Z" } });
});

test("a result that its validator no longer takes is an error that says where", async () => {
  const { id } = await enqueue(db, report, { day: "2026-11-25" }, { delay: "1h" });
  await sql`update soniq_jobs set state = 'completed', finished_at = now(), result = '{"at": 7}' where id = ${id}`;
  await expect(getJob(db, report, id)).rejects.toThrow(/^job report: result\.at is not valid: /);
});

test("a cancelled job has its reason", async () => {
  const { id } = await enqueue(db, report, { day: "2026-11-25" }, { delay: "1h" });
  await cancelJob(db, id, "not needed");
  const { cancelRequestedAt, ...job } = { ...(await getJob(db, report, id)) };
  expect(job).toMatchObject({ state: "cancelled", reason: "not needed", result: null, finishedAt: cancelRequestedAt });
});

test.each([
  ["of another definition", async () => (await enqueue(db, defineJob({ name: "other", payload: v.null() }), null)).id],
  ["that never was", async () => 1e15],
  ["of no number", async () => NaN],
  ["past all numbers", async () => 2 ** 60],
])("an id %s has no such job", async (_what, id) => {
  expect(await getJob(db, report, await id())).toBeUndefined();
});

test("what is read on a transaction is what that sees", async () => {
  await db.transaction(async (tx) => {
    const handle = await enqueue(tx, report, { day: "2026-11-25" });
    expect(await getJob(tx, report, handle)).toMatchObject({ state: "queued" });
    expect(await getJob(db, report, handle)).toBeUndefined();
  });
});

test("a job that plain SQL wrote strangely can be read all the same", async () => {
  const [row] = await sql<{ id: number }[]>`
    insert into soniq_jobs (name, payload, run_at, errors, tags) values ('odd', '"a text"', 'infinity', '{}', '7') returning id::int`;
  expect(await getJob(db, row?.id as number)).toMatchObject({
    payload: "a text",
    runAt: null,
    errors: [],
    tags: [],
  });
});

test.each(["{}", '{"a":1}', "[1]", "null", "7", ""])("the text %j is still a text when it comes back", async (text) => {
  const note = defineJob({ name: "note", payload: v.string() });
  const { id } = await enqueue(db, note, text, { delay: "1h" });
  expect(await getJob(db, note, id)).toMatchObject({ payload: text });
});
