// Many jobs in one call: in order, all or none, in few statements, and folded where they share a key.
import { asc, inArray, sql } from "drizzle-orm";
import * as v from "valibot";
import { expect, test } from "vitest";
import { soniqJobs } from "../../schema/index.ts";
import { defineJob, enqueue, enqueueMany, type Enqueued } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { recordedDatabase } from "../support/recorded-database.ts";

const { db, sql: others, url } = await testDatabase();
const recorded = recordedDatabase(url);
const count = defineJob({ name: "count", payload: v.object({ n: v.number() }) });
const keyed = ({ n }: { n: number }) => ({ uniqueKey: `key ${n}` });
const numbers = (length: number) => Array.from({ length }, (_, n) => ({ n }));
const idsOf = (enqueued: readonly Enqueued[]) => enqueued.map(({ id }) => id);
const jobsOf = (enqueued: readonly Enqueued[]) =>
  db
    .select()
    .from(soniqJobs)
    .where(inArray(soniqJobs.id, idsOf(enqueued)))
    .orderBy(asc(soniqJobs.id));

test("a hundred thousand jobs go in one call, in order, in a few statements", async () => {
  recorded.sent.length = 0;
  const enqueued = await enqueueMany(recorded.db, count, numbers(100_000));
  expect(recorded.sent.length).toBeLessThan(30);
  const stored = await others`select id::int, payload ->> 'n' as n, run_at from soniq_jobs order by run_at, id`;
  expect(stored).toHaveLength(enqueued.length);
  expect(stored.findIndex(({ id, n }, i) => id !== enqueued[i]?.id || Number(n) !== i)).toBe(-1);
  expect(new Set(enqueued.map(({ name, deduplicated }) => `${name} ${deduplicated}`))).toEqual(
    new Set(["count false"]),
  );
  await others`truncate soniq_jobs`;
});

test("more keys than a statement has parameters are found, when all of them are held", async () => {
  const payloads = numbers(66_000);
  const held = await others`insert into soniq_jobs (name, payload, unique_key)
    select 'count', '{}', 'count:key ' || n from generate_series(0, 65999) n returning id::int`;
  recorded.sent.length = 0;
  const enqueued = await enqueueMany(recorded.db, count, payloads, keyed);
  expect(recorded.sent.length).toBeLessThan(30);
  expect(enqueued).toHaveLength(payloads.length);
  expect(enqueued.findIndex(({ id, deduplicated }, i) => id !== held[i]?.["id"] || !deduplicated)).toBe(-1);
  await others`truncate soniq_jobs`;
});

test("long payloads go in smaller statements than PostgreSQL can take", async () => {
  const long = defineJob({ name: "long", payload: v.string() });
  const payloads = Array.from({ length: 40 }, (_, i) => String(i).padEnd(1_000_000, "x"));
  recorded.sent.length = 0;
  const enqueued = await enqueueMany(recorded.db, long, payloads);
  const longest = Math.max(...recorded.sent.map(({ parameters }) => parameters.join("").length));
  expect(longest).toBeLessThan(10_000_000);
  const stored =
    await others`select id::int, left(payload #>> '{}', 2) as start from soniq_jobs where name = 'long' order by id`;
  expect(stored.map(({ id, start }) => [id, Number.parseInt(start as string, 10)])).toEqual(
    enqueued.map(({ id }, i) => [id, i]),
  );
});

test("none is enqueued when one of them cannot be stored, and the transaction around goes on", async () => {
  const odd = defineJob({ name: "odd", payload: v.object({ n: v.number() }) });
  await others.unsafe(
    `alter table soniq_jobs add constraint no_7000 check (name <> 'odd' or payload ->> 'n' <> '7000')`,
  );
  const kept = await db.transaction(async (tx) => {
    await expect(enqueueMany(tx, odd, numbers(10_000))).rejects.toMatchObject({
      cause: { message: expect.stringContaining("no_7000") as string },
    });
    return enqueueMany(tx, odd, numbers(2));
  });
  await expect(enqueueMany(db, odd, numbers(10_000))).rejects.toThrow("no_7000");
  const stored = await others`select id::int from soniq_jobs where name = 'odd' order by id`;
  expect(stored.map(({ id }) => id as number)).toEqual(idsOf(kept));
});

test("an empty list sends nothing", async () => {
  recorded.sent.length = 0;
  expect(await enqueueMany(recorded.db, count, [])).toEqual([]);
  expect(recorded.sent).toEqual([]);
});

test("options are the same for all", async () => {
  const runAt = new Date("2099-01-01T00:00:00.123Z");
  const options = { runAt, queue: "bulk", priority: 9, maxAttempts: 2, tags: ["import"], meta: { batch: 1 } };
  const rows = await jobsOf(await enqueueMany(db, count, numbers(3), options));
  expect(rows).toHaveLength(3);
  for (const row of rows) expect(row).toMatchObject(options);
});

test("or each job's own, by its payload and place", async () => {
  const enqueued = await enqueueMany(
    db,
    count,
    [{ n: 70 }, { n: 71 }, { n: 72 }, { n: 73 }],
    ({ n }, i) =>
      [
        { queue: `queue ${n}`, tags: [`row ${i}`] },
        { priority: 0, meta: { n } },
        { delay: "1d", maxAttempts: 1 } as const,
        {},
      ].at(i) as object,
  );
  const [first, second, third, fourth] = await jobsOf(enqueued);
  expect(first).toMatchObject({ queue: "queue 70", priority: 5, tags: ["row 0"], meta: {}, payload: { n: 70 } });
  expect(second).toMatchObject({ queue: "default", priority: 0, tags: [], meta: { n: 71 }, payload: { n: 71 } });
  expect(third).toMatchObject({ queue: "default", maxAttempts: 1, payload: { n: 72 } });
  expect(third?.runAt.getTime()).toBeGreaterThan(Date.now() + 23 * 3_600_000);
  expect(fourth).toMatchObject({ queue: "default", priority: 5, maxAttempts: 10, tags: [], meta: {} });
  expect(fourth?.runAt.getTime()).toBeLessThan(Date.now() + 3_600_000);
});

test("a queue for each of a thousand jobs takes no more statements than one for all", async () => {
  recorded.sent.length = 0;
  await enqueueMany(recorded.db, count, numbers(1_000), ({ n }) => ({ queue: `tenant ${n}` }));
  expect(recorded.sent.length).toBeLessThan(5);
});

test("jobs that share a key are one job, that of the first", async () => {
  const enqueued = await enqueueMany(db, count, [{ n: 1 }, { n: 2 }, { n: 1 }, { n: 3 }, { n: 1 }], ({ n }, i) => ({
    uniqueKey: n === 3 ? null : `fold ${n}`,
    tags: [String(i)],
  }));
  const [one, two, , three] = idsOf(enqueued);
  expect(idsOf(enqueued)).toEqual([one, two, one, three, one]);
  expect(enqueued.map(({ deduplicated }) => deduplicated)).toEqual([false, false, true, false, true]);
  expect(new Set(idsOf(enqueued)).size).toBe(3);
  expect((await jobRow(db, one as number))?.tags).toEqual(["0"]);
});

test("a key that a job holds already gives that job", async () => {
  const held = await enqueue(db, count, { n: 2 }, { uniqueKey: "held 2" });
  const enqueued = await enqueueMany(db, count, numbers(4), ({ n }) => ({ uniqueKey: `held ${n}` }));
  expect(enqueued.map(({ deduplicated }) => deduplicated)).toEqual([false, false, true, false]);
  expect(enqueued[2]?.id).toBe(held.id);
  expect((await jobsOf(enqueued)).map(({ payload }) => payload)).toEqual(expect.arrayContaining(numbers(4)));
});

test("two that enqueue the same keys in opposite order do not lock each other out", async () => {
  const payloads = numbers(3_000);
  for (let round = 0; round < 3; round += 1) {
    const [forth, back] = await Promise.all([
      enqueueMany(db, count, payloads, keyed),
      enqueueMany(db, count, payloads.toReversed(), keyed),
    ]);
    expect(back.toReversed().findIndex(({ id }, i) => id !== forth[i]?.id)).toBe(-1);
    const created = [...forth, ...back].filter(({ deduplicated }) => !deduplicated);
    expect(new Set(idsOf(created)).size).toBe(payloads.length);
    expect(created).toHaveLength(payloads.length);
    await db.execute(sql`delete from soniq_jobs where unique_key like 'count:key %'`);
  }
});
