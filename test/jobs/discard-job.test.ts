// A job that waits can be given up by hand.
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import { defineJob, enqueue } from "../../src/index.ts";
import { discardJob, listDeadLetters, retryJobs } from "../../src/admin.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { someoneWaits } from "../support/locks.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";

const { db, sql } = await testDatabase();
const work = defineJob({ name: "work", payload: v.null() });
const worker = await sessionOf(db);

beforeEach(() => sql`delete from soniq_jobs`);

describe("a job that waits", () => {
  test("becomes a dead letter with the reason, and is not run", async () => {
    const handle = await enqueue(db, work, null);
    expect(await discardJob(db, handle, "the shop has closed")).toBe("discarded");
    const row = await jobRow(db, handle.id);
    expect(row).toMatchObject({ state: "dead", reason: "discarded: the shop has closed", attempt: 0, errors: [] });
    expect(row?.finishedAt).toBeInstanceOf(Date);
    expect(await claimAs(db, worker)).toEqual([]);
    expect((await listDeadLetters(db)).deadLetters).toMatchObject([{ id: handle.id }]);
  });

  test("needs no reason", async () => {
    const { id } = await enqueue(db, work, null, { delay: "1h" });
    expect(await discardJob(db, id)).toBe("discarded");
    expect(await jobRow(db, id)).toMatchObject({ reason: "discarded: by hand" });
  });

  test("has a reason that can be stored, whatever it says", async () => {
    const { id } = await enqueue(db, work, null);
    await discardJob(db, id, "a\0b, password=hunter2");
    expect(await jobRow(db, id)).toMatchObject({ reason: "discarded: a\u{fffd}b, password=***" });
  });

  test("keeps the errors of its attempts", async () => {
    const { id } = await enqueue(db, work, null, { delay: "1h" });
    await sql`update soniq_jobs set attempt = 2, claims = 2, errors = '[{"name": "Error"}]' where id = ${id}`;
    await discardJob(db, id);
    expect(await jobRow(db, id)).toMatchObject({ state: "dead", attempt: 2, errors: [{ name: "Error" }] });
  });

  test("may be parked", async () => {
    const { id } = await enqueue(db, work, null);
    await sql`update soniq_jobs set run_at = 'infinity' where id = ${id}`;
    expect(await discardJob(db, id)).toBe("discarded");
  });

  test("frees its unique key, but not before its window is over", async () => {
    const first = await enqueue(db, work, null, { uniqueKey: "k" });
    await discardJob(db, first);
    const second = await enqueue(db, work, null, { uniqueKey: "k" });
    expect(second.deduplicated).toBe(false);
    await sql`update soniq_jobs set unique_expires_at = now() + interval '1 hour' where id = ${second.id}`;
    await discardJob(db, second);
    expect(await enqueue(db, work, null, { uniqueKey: "k" })).toMatchObject({ deduplicated: true, id: second.id });
  });

  test("can be retried", async () => {
    const { id } = await enqueue(db, work, null);
    await discardJob(db, id);
    expect(await retryJobs(db, id)).toEqual({ retried: [id], refused: [] });
    expect(await claimAs(db, worker)).toMatchObject([{ id, attempt: 1 }]);
  });
});

describe("is left as it is", () => {
  test("a job that runs", async () => {
    const { id } = await enqueue(db, work, null, { uniqueKey: "k" });
    await claimAs(db, worker);
    const before = await jobRow(db, id);
    expect(await discardJob(db, id)).toBe("active");
    expect(await jobRow(db, id)).toEqual(before);
  });

  test("a job that is just being claimed", async () => {
    const { id } = await enqueue(db, work, null);
    const { asked } = await sql.begin(async (tx) => {
      await tx`update soniq_jobs set state = 'active', worker_id = ${worker}, claims = 1 where id = ${id}`;
      const answer = discardJob(db, id);
      await someoneWaits(sql);
      return { asked: answer };
    });
    expect(await asked).toBe("active");
    expect(await jobRow(db, id)).toMatchObject({ state: "active", reason: null });
  });

  test.each(["completed", "cancelled", "dead"])("a job that is %s", async (state) => {
    const { id } = await enqueue(db, work, null);
    await sql`update soniq_jobs set state = ${state}, finished_at = now(), reason = 'as it was' where id = ${id}`;
    const before = await jobRow(db, id);
    expect(await discardJob(db, id)).toBe("not found");
    expect(await jobRow(db, id)).toEqual(before);
  });

  test.each([0, 1.5, NaN, 2 ** 60])("what %s names: nothing", async (id) => {
    expect(await discardJob(db, id)).toBe("not found");
  });
});
