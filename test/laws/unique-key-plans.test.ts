// Which way unique keys are found, among a hundred thousand, and where one was used thousands of times.
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Queryable } from "../../src/core/queryable.ts";
import { defineJob } from "../../src/jobs/definition/define-job.ts";
import { enqueueMany } from "../../src/jobs/enqueue/enqueue-many.ts";
import { enqueue } from "../../src/jobs/enqueue/enqueue.ts";
import { findKeyHolder } from "../../src/jobs/enqueue/find-key-holder.ts";
import type { Enqueued } from "../../src/jobs/enqueue/new-job.ts";
import { testDatabase } from "../support/database.ts";
import { observedEngine, rowsRead, waysToJobs } from "./observed-engine.ts";

const { url, sql } = await testDatabase();
const engine = observedEngine(url);
afterAll(() => engine.close());

// Nobody but the tests decides how old the planner's statistics are.
beforeAll(() => sql`alter table soniq_jobs set (autovacuum_enabled = false)`);

async function forgetAll() {
  await sql`truncate soniq_jobs`;
  await sql`vacuum analyze soniq_jobs`;
}

describe("among a hundred thousand unique keys", () => {
  const payload = v.object({ to: v.string() });
  const mail = defineJob({ name: "mail", payload, unique: { by: ({ to }) => to } });
  const throttled = defineJob({ name: "mail", payload, unique: { by: ({ to }) => to, within: "1h" } });
  const latest = defineJob({ name: "mail", payload, unique: { by: ({ to }) => to, onConflict: "replace" } });
  const some = Array.from({ length: 100 }, (_, n) => ({ to: String(n * 7 + 1) }));

  beforeAll(async () => {
    await forgetAll();
    // The windows of half of them are over.
    await sql`insert into soniq_jobs (name, payload, unique_key, state, finished_at, unique_expires_at)
      select 'mail', '{}', 'mail:' || n, case n % 2 when 0 then 'queued' else 'completed' end,
        case n % 2 when 1 then now() end, case n % 2 when 1 then now() end from generate_series(1, 100000) n`;
    await sql`vacuum analyze soniq_jobs`;
  });

  const byKey = ["soniq_jobs_unique"];
  const byKeyAndId = ["soniq_jobs_pkey", "soniq_jobs_unique"];
  test.each<[string, (db: Queryable) => Promise<unknown>, string[], number]>([
    ["the holder of one is found", (db) => enqueue(db, mail, { to: "8" }), byKey, 10],
    ["the holders of some are found", (db) => enqueueMany(db, mail, some.slice(0, 50)), byKeyAndId, 1_500],
    ["one that is over is freed", (db) => enqueue(db, throttled, { to: "7" }), byKey, 10],
    ["some that are over are freed", (db) => enqueueMany(db, throttled, some), byKeyAndId, 1_500],
    ["the holder of one is replaced", (db) => enqueue(db, latest, { to: "8" }), byKey, 10],
    ["the holders of some are replaced", (db) => enqueueMany(db, latest, some.slice(0, 50)), byKeyAndId, 1_500],
  ])("%s by that key", async (_what, act, ways, rows) => {
    const observed = await engine.observe(act);
    expect(ways).toEqual(expect.arrayContaining(waysToJobs(observed)));
    expect(rowsRead(observed)).toBeLessThan(rows);
  });
});

describe("a key that was used three thousand times while a snapshot pins what that left", () => {
  const payload = v.object({ n: v.number() });
  const keep = defineJob({ name: "keep", payload, unique: { by: [] } });
  const uses = 3_000;
  let unpin: () => Promise<void>;

  beforeAll(async () => {
    await forgetAll();
    await sql`insert into soniq_jobs (name, payload, unique_key) select 'other', '{}', 'other:' || n from generate_series(1, 1000) n`;
    await sql`vacuum analyze soniq_jobs`;
    const reader = await sql.reserve();
    await reader`begin isolation level repeatable read`;
    await reader`select from soniq_jobs limit 1`;
    unpin = async () => {
      await reader`rollback`;
      reader.release();
    };
    await sql.unsafe(`do $$ begin for use in 1..${uses} loop
      insert into soniq_jobs (name, payload, unique_key) values ('keep', '{"n": 0}', 'keep:{}');
      commit;
      update soniq_jobs set state = 'completed', finished_at = now(), unique_held = false where unique_key = 'keep:{}' and unique_held;
      commit;
    end loop; end $$`);
    await enqueue(engine.db, keep, { n: 0 });
  });
  afterAll(() => unpin());

  test("is held by a job that is found at once", async () => {
    const observed = await engine.observe((db) => findKeyHolder(db, "keep:{}"));
    expect(observed.read).toMatchObject({ soniq_jobs_unique: 1 });
    expect(observed.blocks["soniq_jobs_unique"]).toBeLessThan(6);
  });

  // PostgreSQL makes sure that none of them holds it yet, until the snapshot has gone: 0.2 µs each, where it does.
  test("is met as often as it was used by an insert, whether or not that finds it held", async () => {
    const observed = await engine.observe((db) => enqueue(db, keep, { n: 1 }));
    expect(observed.read["soniq_jobs_unique"]).toBeGreaterThan(uses);
    expect(observed.read["soniq_jobs_unique"]).toBeLessThan(2 * uses);
  });

  /** How many versions of its row the enqueues of a job leave, which all have that key. */
  async function versions(enqueueIt: (n: number) => Promise<Enqueued>, times: number): Promise<number> {
    const seen = new Set<unknown>();
    for (let n = 0; n < times; n += 1) {
      const { id } = await enqueueIt(n);
      seen.add((await sql`select ctid::text from soniq_jobs where id = ${id}`)[0]?.["ctid"]);
    }
    return seen.size;
  }

  test("is not used up by what replaces a job with the same again", async () => {
    const replace = defineJob({ name: "replace", payload, unique: { by: [], onConflict: "replace" } });
    expect(await versions(() => enqueue(engine.db, replace, { n: 1 }), 20)).toBe(1);
    expect(await versions(async () => (await enqueueMany(engine.db, replace, [{ n: 1 }]))[0] as Enqueued, 20)).toBe(1);
    expect(await versions((n) => enqueue(engine.db, replace, { n }), 20)).toBeGreaterThan(10);
  });

  test("is used up by what reschedules a job no more than once a second", async () => {
    const save = defineJob({ name: "save", payload, unique: { by: [], onConflict: "reschedule" } });
    const second = async () => Number((await sql`select floor(extract(epoch from now())) as s`)[0]?.["s"]);
    const began = await second();
    const written = await versions(() => enqueue(engine.db, save, { n: 1 }, { delay: "1h" }), 100);
    expect(written).toBeLessThanOrEqual((await second()) - began + 2);
  });
});
