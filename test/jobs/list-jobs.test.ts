import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { beforeAll, describe, expect, test } from "vitest";
import { type JobFilter, listJobs } from "../../src/admin.ts";
import { testDatabase } from "../support/database.ts";

const { db, url, sql } = await testDatabase();

/** As plain SQL enqueues: 25,000 jobs that have completed, and a few others among and behind them. */
beforeAll(async () => {
  await sql`insert into soniq_jobs (name, payload, state, worker_id) values ('oldest', '{}', 'active', gen_random_uuid())`;
  await sql`insert into soniq_jobs (name, payload, queue, tags) values ('mail', '{}', 'mail', '["vip", "a"]')`;
  await sql`insert into soniq_jobs (name, payload, state, finished_at) select 'done', '{}', 'completed', now() from generate_series(1, 25000)`;
  await sql`insert into soniq_jobs (name, payload, queue, tags) values ('mail', '{}', 'mail', '["vip"]'), ('mail', '{}', 'default', '["other"]')`;
  await sql`insert into soniq_jobs (name, payload, state) values ('newest', '{}', 'cancelled')`;
  await sql`analyze soniq_jobs`;
});

const names = async (filter: JobFilter) => (await listJobs(db, filter)).jobs.map(({ name }) => name);

/** All pages. */
async function all(filter: JobFilter, limit?: number) {
  const pages = [await listJobs(db, filter, { limit })];
  for (let next = pages[0]?.next; next !== undefined; next = pages.at(-1)?.next)
    pages.push(await listJobs(db, filter, { cursor: next, limit }));
  return { jobs: pages.flatMap(({ jobs }) => jobs), pages: pages.length };
}

test("the newest come first, fifty of them", async () => {
  const { jobs, next } = await listJobs(db);
  expect(jobs).toHaveLength(50);
  expect(jobs.slice(0, 4).map(({ name }) => name)).toEqual(["newest", "mail", "mail", "done"]);
  expect(jobs.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id).toSorted((a, b) => b - a));
  expect(next).toBe(String(jobs.at(-1)?.id));
  expect(jobs[0]).not.toHaveProperty("payload");
});

test("page after page comes all there is, each once", async () => {
  const { jobs, pages } = await all({}, 1_000);
  expect(jobs).toHaveLength(25_005);
  expect(new Set(jobs.map(({ id }) => id)).size).toBe(25_005);
  expect(pages).toBe(26);
});

describe("of all that fit", () => {
  test("a page passes over ten thousand jobs at the most, and says where to go on", async () => {
    const first = await listJobs(db, { queue: "mail" });
    expect(first.jobs.map(({ queue }) => queue)).toEqual(["mail"]);
    expect(Number(first.next)).toBeGreaterThan(10_000);
    expect((await all({ queue: "mail" })).jobs).toHaveLength(2);
    expect((await all({ queue: "mail" })).pages).toBe(3);
  });

  test("several filters hold at once", async () => {
    expect(await names({ name: "mail", queue: "default" })).toEqual(["mail"]);
    expect(await names({ name: "mail", queue: "default", tag: "vip" })).toEqual([]);
    expect((await all({ tag: "vip" })).jobs).toHaveLength(2);
    expect((await all({ tag: "vi" })).jobs).toHaveLength(0);
    expect(await names({ state: "cancelled" })).toEqual(["newest"]);
  });

  test("active ones are found at once, however far back they are", async () => {
    expect(await listJobs(db, { state: "active" })).toMatchObject({ jobs: [{ name: "oldest" }], next: undefined });
  });
});

test.each([0, 1_001, 1.5, NaN])("a limit of %s is refused", async (limit) => {
  await expect(listJobs(db, {}, { limit })).rejects.toThrow(`limit is ${limit}: give a whole number from 1 to 1000`);
});

test.each(["", "x", "-1", "1.5", "1e3", "9".repeat(16)])("a cursor of %j is refused", async (cursor) => {
  await expect(listJobs(db, {}, { cursor })).rejects.toThrow("give the `next` of another page");
});

test("an invalid date is refused", async () => {
  await expect(listJobs(db, { before: new Date("yesterday") })).rejects.toThrow("filter.before is an invalid date");
});

test("the next page of jobs with the highest ids begins where it should", async () => {
  const ids = [Number.MAX_SAFE_INTEGER - 2, Number.MAX_SAFE_INTEGER - 1];
  for (const id of ids)
    await sql`insert into soniq_jobs (id, name, payload) overriding system value values (${id}, 'high', '{}')`;
  const { jobs, next } = await listJobs(db, {}, { limit: 1 });
  const [second] = (await listJobs(db, {}, { limit: 1, cursor: next })).jobs;
  await sql`delete from soniq_jobs where name = 'high'`;
  expect([second?.id, jobs[0]?.id]).toEqual(ids);
});

test("a page's last job may be gone before it is said where to go on", async () => {
  const client = postgres(url, { max: 1 });
  // Over one connection, statements go out in their order.
  const logQuery = (statement: string) => {
    if (statement.includes("coalesce(min(") && pruned === "soon")
      pruned = client`delete from soniq_jobs where name = 'newest'`.execute();
    if (statement.includes('"priority"')) pruned = "soon";
  };
  let pruned: unknown;
  const { jobs, next } = await listJobs(drizzle({ client, logger: { logQuery } }), {}, { limit: 1 });
  await client.end();
  expect(jobs).toMatchObject([{ name: "newest" }]);
  expect((await listJobs(db, {}, { limit: 1, cursor: next })).jobs).toMatchObject([{ name: "mail" }]);
});

test("a time may be any that JavaScript has", async () => {
  const [first, last] = [new Date(-8.64e15), new Date(8.64e15)];
  expect((await listJobs(db, { since: first, before: last })).jobs).toHaveLength(50);
  expect((await listJobs(db, { since: last })).jobs).toEqual([]);
  expect((await listJobs(db, { before: first })).jobs).toEqual([]);
});

describe("of a time long past", () => {
  beforeAll(async () => {
    await sql`insert into soniq_jobs (name, payload, created_at)
      select 'hourly', '{}', now() + n * interval '1 minute' from generate_series(1, 30000) n`;
    // As jobs are that have been pruned.
    await sql`delete from soniq_jobs where name = 'hourly' and id % 3 = 0`;
  });
  const later = (minutes: number) => new Date(Date.now() + minutes * 60_000);

  test("the first page has them, however many came since", async () => {
    const { jobs, scannedJobs } = await listJobs(db, { before: later(1_000) }, { limit: 10 });
    expect(jobs).toHaveLength(10);
    for (const { createdAt } of jobs) expect(createdAt.getTime()).toBeLessThan(later(1_000).getTime());
    expect(jobs[0]?.createdAt.getTime()).toBeGreaterThan(later(990).getTime());
    // Those of an hour more: of transactions that were open so long.
    expect(scannedJobs).toBeLessThan(70);
  });

  test("what a long transaction inserted late is among them", async () => {
    const between =
      await sql`select id::int from soniq_jobs where name = 'hourly' and created_at > ${later(1_050)} order by id limit 1`;
    await sql`update soniq_jobs set created_at = ${later(995)}, name = 'late' where id = ${between[0]?.["id"]}`;
    expect((await listJobs(db, { before: later(1_000) })).jobs.map(({ name }) => name)).toContain("late");
  });

  test("since and until are a stretch, and nothing before it is looked at for long", async () => {
    const found = await listJobs(db, { since: later(25_000), before: later(25_003), name: "hourly" });
    expect(found.jobs).toHaveLength(2);
    expect(found.next).toBe(undefined);
  });

  test("before all that is there, nothing is found at once", async () => {
    expect(await listJobs(db, { before: new Date(2_000, 1) })).toEqual({
      jobs: [],
      next: undefined,
      scannedJobs: 0,
      backTo: null,
    });
  });
});

test.each(["constructor", "hasOwnProperty", "__proto__", "status"])(
  "a filter by %s, which is none, is refused",
  async (key) => {
    const filter = JSON.parse(`{"${key}": "x"}`) as JobFilter;
    await expect(listJobs(db, filter)).rejects.toThrow(
      `filter.${key} is not a filter: give some of state, queue, name`,
    );
  },
);
