// What becomes of a job whose unique key another one holds: it is that one, replaces it, reschedules it, or is an error.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { cancelJob, defineJob, DuplicateJobError, enqueue, enqueueMany, InvalidValueError } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { type JobRow, jobRow } from "../support/job-row.ts";
import { claimAs, sessionOf, startedJob } from "../support/sessions.ts";

const { db, sql } = await testDatabase();
const payload = v.object({ page: v.string(), version: v.optional(v.number()) });

const stored = async (id: number) => (await jobRow(db, id)) as JobRow;
const content = { payload: { page: "", version: 2 }, maxAttempts: 2, tags: ["second"], meta: { n: 2 } };
const place = { queue: "elsewhere", priority: 1 };

const started = (id: number) => startedJob(db, sql, id);

describe("a job that replaces", () => {
  const index = defineJob({ name: "index", payload, unique: { by: ["page"], onConflict: "replace" } });

  test("gives the one that waits all that it is, and leaves it where it stands", async () => {
    const first = await enqueue(db, index, { page: "a", version: 1 }, { delay: "1h", priority: 7, tags: ["first"] });
    const { runAt, createdAt } = await stored(first.id);
    const { maxAttempts, tags, meta } = content;
    const second = await enqueue(db, index, { page: "a", version: 2 }, { ...place, maxAttempts, tags, meta });
    expect(second).toEqual({ ...first, deduplicated: true });
    const job = await stored(first.id);
    expect(job).toMatchObject({ ...content, payload: { page: "a", version: 2 }, queue: "default", priority: 7 });
    expect(job).toMatchObject({ runAt, createdAt, state: "queued", claims: 0 });
  });

  test("is a job of its own once that has started, and is the one that is replaced from then on", async () => {
    const first = await enqueue(db, index, { page: "started", version: 1 });
    const finish = await started(first.id);
    const second = await enqueue(db, index, { page: "started", version: 2 });
    expect(second.deduplicated).toBe(false);
    await finish();
    expect(await enqueue(db, index, { page: "started", version: 3 })).toEqual({ ...second, deduplicated: true });
    expect((await stored(first.id)).payload).toEqual({ page: "started", version: 1 });
    expect((await stored(second.id)).payload).toEqual({ page: "started", version: 3 });
  });

  test("keeps it from starting until the transaction ends, and is what it then starts with", async () => {
    const { id } = await enqueue(db, index, { page: "locked", version: 1 }, { queue: "locked" });
    const worker = await sessionOf(db);
    await db.transaction(async (tx) => {
      await enqueue(tx, index, { page: "locked", version: 2 });
      expect(await claimAs(db, worker, { queue: "locked" })).toEqual([]);
    });
    const [job] = await claimAs(db, worker, { queue: "locked" });
    expect(job).toMatchObject({ id, payload: '{"page": "locked", "version": 2}' });
  });

  test("leaves alone what runs and holds the key, by an older definition's word", async () => {
    const older = defineJob({ name: "index", payload, unique: { by: ["page"] } });
    const first = await enqueue(db, older, { page: "older", version: 1 });
    await started(first.id);
    expect(await enqueue(db, index, { page: "older", version: 2 })).toEqual({ ...first, deduplicated: true });
    expect((await stored(first.id)).payload).toEqual({ page: "older", version: 1 });
  });

  test("makes one that waits follow the newer definition", async () => {
    const older = defineJob({ name: "index", payload, unique: { by: ["page"] } });
    const first = await enqueue(db, older, { page: "newer" });
    await enqueue(db, index, { page: "newer" });
    await started(first.id);
    expect((await enqueue(db, index, { page: "newer" })).deduplicated).toBe(false);
  });

  test("among many is the last of its key, in the place of the first", async () => {
    const held = await enqueue(db, index, { page: "many a", version: 0 }, { priority: 3 });
    const enqueued = await enqueueMany(
      db,
      index,
      ["a", "b", "a", "b", "c"].map((page, version) => ({ page: `many ${page}`, version: version + 1 })),
      ({ version = 0 }) => ({ priority: version, tags: [String(version)] }),
    );
    expect(enqueued.map(({ deduplicated }) => deduplicated)).toEqual([true, false, true, true, false]);
    const [a, b, , , c] = await Promise.all(enqueued.map(({ id }) => stored(id)));
    expect(a).toMatchObject({ id: held.id, payload: { page: "many a", version: 3 }, priority: 3, tags: ["3"] });
    expect(b).toMatchObject({ payload: { page: "many b", version: 4 }, priority: 2, tags: ["4"] });
    expect(c).toMatchObject({ payload: { page: "many c", version: 5 }, priority: 5, tags: ["5"] });
  });
});

describe("a job that reschedules", () => {
  const save = defineJob({ name: "save", payload, unique: { by: ["page"], onConflict: "reschedule", maxWait: "1h" } });
  const minutesFromCreation = ({ runAt, createdAt }: JobRow) =>
    Math.round((runAt.getTime() - createdAt.getTime()) / 60_000);

  test("gives the one that waits all but its id, and its own time", async () => {
    const first = await enqueue(db, save, { page: "a" }, { delay: "10m" });
    const { maxAttempts, tags, meta } = content;
    const options = { ...place, maxAttempts, tags, meta, delay: "20m" } as const;
    expect(await enqueue(db, save, { page: "a", version: 2 }, options)).toEqual({ ...first, deduplicated: true });
    const job = await stored(first.id);
    expect(job).toMatchObject({ ...content, ...place, payload: { page: "a", version: 2 } });
    expect(minutesFromCreation(job)).toBe(20);
  });

  test("puts it off again and again, up to its longest wait since the first", async () => {
    const { id } = await enqueue(db, save, { page: "b" }, { delay: "10m" });
    const waited: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      await sql`update soniq_jobs set run_at = run_at - interval '20 minutes', created_at = created_at - interval '20 minutes' where id = ${id}`;
      await enqueue(db, save, { page: "b" }, { delay: "30m" });
      waited.push(minutesFromCreation(await stored(id)));
    }
    // The last one came when the hour was over: it is due at once.
    expect(waited).toEqual([50, 60, 60, 80]);
  });

  test("is itself no later than that", async () => {
    const { id } = await enqueue(db, save, { page: "c" }, { delay: "2h" });
    expect(minutesFromCreation(await stored(id))).toBe(60);
    const [many] = await enqueueMany(db, save, [{ page: "d" }], { delay: "2h" });
    expect(minutesFromCreation(await stored(many?.id as number))).toBe(60);
  });

  test("brings it forward, but not into the past, which claims have passed", async () => {
    const { id } = await enqueue(db, save, { page: "e" }, { delay: "1h" });
    const before = new Date();
    await enqueue(db, save, { page: "e" }, { runAt: new Date(0) });
    const { runAt } = await stored(id);
    expect(runAt.getTime()).toBeGreaterThanOrEqual(before.getTime() - 1);
    expect(runAt.getTime()).toBeLessThanOrEqual(Date.now() + 1);
  });

  test("without a limit puts it off for ever", async () => {
    const remind = defineJob({ name: "remind", payload, unique: { by: ["page"], onConflict: "reschedule" } });
    const { id } = await enqueue(db, remind, { page: "a" }, { delay: "1h" });
    const runAt = new Date("2099-01-01T00:00:00Z");
    await enqueue(db, remind, { page: "a" }, { runAt });
    expect((await stored(id)).runAt).toEqual(runAt);
  });

  test("among many is the last of its key", async () => {
    const held = await enqueue(db, save, { page: "many a" }, { delay: "5m", priority: 3 });
    const enqueued = await enqueueMany(
      db,
      save,
      ["a", "b", "a", "b"].map((page, version) => ({ page: `many ${page}`, version })),
      ({ version = 0 }) => ({ delay: 600_000 * (version + 1), priority: version }),
    );
    expect(enqueued.map(({ deduplicated }) => deduplicated)).toEqual([true, false, true, true]);
    const [a, b] = await Promise.all(enqueued.map(({ id }) => stored(id)));
    expect(a).toMatchObject({ id: held.id, payload: { version: 2 }, priority: 2 });
    expect(b).toMatchObject({ payload: { version: 3 }, priority: 3 });
    expect([a, b].map((job) => minutesFromCreation(job as JobRow))).toEqual([30, 40]);
  });

  test("must say for when", async () => {
    const missing = "is missing: each enqueue reschedules this job, so give a delay or runAt";
    await expect(enqueue(db, save, { page: "f" })).rejects.toThrow(
      new InvalidValueError("options.delay", missing, "job save: "),
    );
    await expect(enqueueMany(db, save, [{ page: "f" }])).rejects.toBeInstanceOf(InvalidValueError);
    expect((await enqueue(db, save, { page: "f" }, { delay: 0 })).deduplicated).toBe(false);
  });
});

describe("a job that is an error", () => {
  const charge = defineJob({ name: "charge", payload, unique: { by: ["page"], onConflict: "error" } });

  test("names the one that holds the key, and the transaction goes on", async () => {
    const first = await enqueue(db, charge, { page: "a" });
    const kept = await db.transaction(async (tx) => {
      const thrown: unknown = await enqueue(tx, charge, { page: "a" }).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(DuplicateJobError);
      expect(thrown).toMatchObject({
        job: "charge",
        id: first.id,
        message: `job charge: job ${first.id} holds this unique key, so nothing was enqueued: ignore this error, or enqueue again when the key is freed`,
      });
      return enqueue(tx, charge, { page: "b" });
    });
    expect(await stored(kept.id)).toMatchObject({ state: "queued", payload: { page: "b" } });
    await cancelJob(db, first.id);
    expect((await enqueue(db, charge, { page: "a" })).deduplicated).toBe(false);
  });

  test("among many leaves none of them", async () => {
    const { id } = await enqueue(db, charge, { page: "many 2" });
    const many = [1, 2, 3].map((n) => ({ page: `many ${n}` }));
    const kept = await db.transaction(async (tx) => {
      await expect(enqueueMany(tx, charge, many)).rejects.toMatchObject({ name: "DuplicateJobError", id });
      return enqueueMany(tx, charge, [{ page: "many 4" }]);
    });
    const left =
      await sql`select id::int from soniq_jobs where payload ->> 'page' like 'many %' and name = 'charge' order by id`;
    expect(left.map((row) => row["id"] as number)).toEqual([id, kept[0]?.id]);
  });

  test("among many, twice, is a mistake that no SQL is sent for", async () => {
    const twice = [{ page: "twice" }, { page: "twice" }];
    await expect(enqueueMany(db, charge, twice)).rejects.toThrow(
      new InvalidValueError(
        "payloads[1]",
        "has the same unique key as an earlier payload: pass it once",
        "job charge: ",
      ),
    );
  });
});
