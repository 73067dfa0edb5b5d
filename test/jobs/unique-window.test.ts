// A key that is held within a window is held past its job's end, and no longer than both.
import * as v from "valibot";
import { expect, test } from "vitest";
import { cancelJob, defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { type JobRow, jobRow } from "../support/job-row.ts";
import { recordedDatabase } from "../support/recorded-database.ts";
import { startedJob } from "../support/sessions.ts";

const { db, sql, url } = await testDatabase();
const payload = v.object({ page: v.string() });

const stored = async (id: number) => (await jobRow(db, id)) as JobRow;
const started = (id: number) => startedJob(db, sql, id);

/** As if the window of the job's key were over. */
const expire = (id: number) => sql`update soniq_jobs set unique_expires_at = clock_timestamp() where id = ${id}`;

const sync = defineJob({ name: "sync", payload, unique: { by: ["page"], within: "1h" } });
const again = (page: string) => enqueue(db, sync, { page });

test("it is held for so long from the enqueue, past the completion of its job", async () => {
  const first = await again("a");
  await (
    await started(first.id)
  )();
  expect(await again("a")).toEqual({ ...first, deduplicated: true });
  const [row] = await sql`select unique_expires_at - run_at < interval '61 minutes' as soon,
    unique_expires_at > clock_timestamp() + interval '59 minutes' as late from soniq_jobs where id = ${first.id}`;
  expect(row).toEqual({ soon: true, late: true });
  await expire(first.id);
  const second = await again("a");
  expect(second.deduplicated).toBe(false);
  expect(await stored(first.id)).toMatchObject({
    state: "completed",
    uniqueKey: 'sync:{"page":"a"}',
    uniqueHeld: false,
  });
  expect(await again("a")).toEqual({ ...second, deduplicated: true });
});

test("it is held past a cancellation", async () => {
  const first = await again("b");
  await cancelJob(db, first.id);
  expect(await again("b")).toEqual({ ...first, deduplicated: true });
});

test.each(["waits", "runs"])("it is held past the window by a job that %s", async (state) => {
  const first = await again(state);
  const finish = state === "runs" ? await started(first.id) : undefined;
  await expire(first.id);
  expect(await again(state)).toEqual({ ...first, deduplicated: true });
  await finish?.();
});

test("it is freed, where its job's start frees it, by that after the window and by the window's end after that", async () => {
  const poll = defineJob({ name: "poll", payload, unique: { by: ["page"], within: "1h", until: "started" } });
  const first = await enqueue(db, poll, { page: "a" });
  const finish = await started(first.id);
  expect(await enqueue(db, poll, { page: "a" })).toEqual({ ...first, deduplicated: true });
  await expire(first.id);
  const second = await enqueue(db, poll, { page: "a" });
  expect(second.deduplicated).toBe(false);
  await finish();
  await expire(second.id);
  expect(await enqueue(db, poll, { page: "a" })).toEqual({ ...second, deduplicated: true });
  await started(second.id);
  expect(await stored(second.id)).toMatchObject({ uniqueHeld: false });
});

test("it is held for many as for one", async () => {
  const pages = ["many a", "many b", "many a", "many c"].map((page) => ({ page }));
  const first = await enqueueMany(db, sync, pages);
  for (const { id } of first) await cancelJob(db, id);
  expect((await enqueueMany(db, sync, pages)).map(({ id }) => id)).toEqual(first.map(({ id }) => id));
  await Promise.all([expire(first[0]?.id as number), expire(first[1]?.id as number)]);
  const second = await enqueueMany(db, sync, pages);
  expect(second.map(({ deduplicated }) => deduplicated)).toEqual([false, false, true, true]);
  expect(second[3]?.id).toBe(first[3]?.id);
});

test("it is of no meaning to a job without a key", async () => {
  const { id } = await enqueue(db, sync, { page: "none" }, { uniqueKey: null });
  const pages = [{ page: "none" }, { page: "none" }];
  const many = await enqueueMany(db, sync, pages, (_, priority) => ({ uniqueKey: null, priority }));
  for (const one of [id, ...many.map((job) => job.id)]) {
    expect(await stored(one)).toMatchObject({ uniqueKey: null, uniqueExpiresAt: null });
  }
});

test("it is freed and taken by one statement, when that is over", async () => {
  for (const page of ["statement a", "statement b"]) {
    const { id } = await again(page);
    await cancelJob(db, id);
    await expire(id);
  }
  const recorded = recordedDatabase(url);
  expect((await enqueue(recorded.db, sync, { page: "statement a" }, { delay: 1 })).deduplicated).toBe(false);
  expect(recorded.sent).toHaveLength(1);
  const [many] = await enqueueMany(recorded.db, sync, [{ page: "statement b" }], { delay: 1 });
  expect(many?.deduplicated).toBe(false);
  expect(recorded.sent).toHaveLength(2);
});

test("it frees what an older definition's window left, when that is over", async () => {
  const first = await again("older");
  await cancelJob(db, first.id);
  const newer = defineJob({ name: "sync", payload, unique: { by: ["page"] } });
  expect(await enqueue(db, newer, { page: "older" })).toEqual({ ...first, deduplicated: true });
  await expire(first.id);
  const second = await enqueue(db, newer, { page: "older" });
  expect(second.deduplicated).toBe(false);

  const [many] = await enqueueMany(db, sync, [{ page: "older, many" }]);
  await cancelJob(db, many?.id as number);
  expect(await enqueueMany(db, newer, [{ page: "older, many" }])).toEqual([{ ...many, deduplicated: true }]);
  await expire(many?.id as number);
  expect((await enqueueMany(db, newer, [{ page: "older, many" }]))[0]?.deduplicated).toBe(false);
});
