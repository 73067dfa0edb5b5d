// What a due tick does, and what becomes of ticks that are late, missed, or come while the last job runs.
import { sql as drizzleSql } from "drizzle-orm";
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import { defineJob, defineSchedule, enqueue, type ScheduleDefinition } from "../../src/index.ts";
import { findUpcoming, type UpcomingSchedule } from "../../src/schedules/find-upcoming.ts";
import { testDatabase } from "../support/database.ts";
import { fire, fireDue, overdue, startWith } from "../support/schedules.ts";

const { db, sql } = await testDatabase();
const report = defineJob({ name: "report", payload: v.object({ days: v.number() }), queue: "reports", maxAttempts: 3 });

beforeEach(() => sql`truncate soniq_jobs, soniq_schedules, soniq_workers`);

type Settings = Partial<Pick<ScheduleDefinition, "missed" | "overlap" | "jitter" | "options">>;

/** A schedule that ticks every ten seconds, or as it is said, whose next tick was so long ago. */
async function late(age: string, settings: Settings & { every?: `${number}${"s" | "h"}` } = {}): Promise<void> {
  const base = { name: "often", job: report, payload: { days: 1 }, every: "10s", ...settings } as const;
  await startWith(db, defineSchedule(base as Parameters<typeof defineSchedule>[0]));
  await overdue(sql, "often", age);
}

const jobs = () =>
  sql`select id::int, name, queue, priority, max_attempts, payload, tags, meta, state from soniq_jobs order by id`;
const finishAll = () => sql`update soniq_jobs set state = 'completed', finished_at = now()`;

/** How old the ticks of the jobs are, in seconds. */
async function ages(): Promise<number[]> {
  const rows = await sql<
    { age: number }[]
  >`select round(extract(epoch from now() - (meta ->> 'tick')::timestamptz))::int as age from soniq_jobs order by id`;
  return rows.map(({ age }) => age);
}

/** In how many seconds the next tick is. */
async function nextIn(): Promise<number> {
  const [row] = await sql<
    { next: number }[]
  >`select round(extract(epoch from next_run_at - now()))::int as next from soniq_schedules`;
  return row?.next as number;
}

describe("a tick that is due", () => {
  test("enqueues a job with the schedule's payload and the definition's own settings, which tells of its tick", async () => {
    await late("1 second");
    expect(await fireDue(db)).toEqual({ often: 1 });
    const [job] = await jobs();
    const [schedule] = await sql`select last_job_id::int, last_tick_at, ticks::int from soniq_schedules`;
    expect(job).toMatchObject({ name: "report", queue: "reports", priority: 5, max_attempts: 3, payload: { days: 1 } });
    expect(job?.["meta"]).toEqual({ schedule: "often", tick: schedule?.["last_tick_at"].toISOString() });
    expect(schedule).toMatchObject({ last_job_id: job?.["id"], ticks: 1 });
  });

  test("enqueues it as the schedule's options say", async () => {
    await late("1 second", { options: { queue: "slow", priority: 0, maxAttempts: 1, tags: ["nightly"] } });
    await fireDue(db);
    expect(await jobs()).toMatchObject([{ queue: "slow", priority: 0, max_attempts: 1, tags: ["nightly"] }]);
  });

  test("moves on by the interval from itself, not from now", async () => {
    await late("4 seconds");
    await fireDue(db);
    expect(await nextIn()).toBe(6);
  });

  test("fires though its time has microseconds, and moves on", async () => {
    await late("1.000123 seconds");
    expect(await fireDue(db)).toEqual({ often: 1 });
    expect(await fireDue(db)).toEqual({});
  });

  test("fires once, however many have seen it", async () => {
    await late("1 second");
    const [seen] = (await findUpcoming(db, { limit: 1 })) as [UpcomingSchedule];
    const fired = await Promise.all(Array.from({ length: 20 }, () => fire(db, seen)));
    expect(fired.filter((result) => result !== undefined)).toEqual([1]);
    expect(await fire(db, seen)).toBeUndefined();
    expect(await jobs()).toHaveLength(1);
  });

  test("fires not at all where its transaction is rolled back, and then again", async () => {
    await late("1 second");
    const broken = db.transaction(async (tx) => {
      const [seen] = (await findUpcoming(tx, { limit: 1 })) as [UpcomingSchedule];
      expect(await fire(tx, seen)).toBe(1);
      throw new Error("crashed");
    });
    await expect(broken).rejects.toThrow("crashed");
    expect(await jobs()).toEqual([]);
    expect(await fireDue(db)).toEqual({ often: 1 });
  });

  test("does not wait for whoever holds the schedule's row, and fires afterwards", async () => {
    await late("1 second");
    await db.transaction(async (tx) => {
      await tx.execute(drizzleSql`select from soniq_schedules for update`);
      expect(await fireDue(db)).toEqual({});
    });
    expect(await fireDue(db)).toEqual({ often: 1 });
  });

  test("does not fire after the schedule was paused, orphaned or changed by another version", async () => {
    await late("1 second");
    const [seen] = (await findUpcoming(db, { limit: 1 })) as [UpcomingSchedule];
    for (const change of ["paused_at = now()", "orphaned_at = now()", "definition = 'other'", "ticks = 7"]) {
      await sql.unsafe(`update soniq_schedules set ${change}`);
      expect(await fire(db, seen)).toBeUndefined();
      await sql.unsafe(
        `update soniq_schedules set paused_at = null, orphaned_at = null, definition = '${seen.definition}', ticks = 0`,
      );
    }
    expect(await fire(db, seen)).toBe(1);
  });
});

test("a tick that is not due does not fire, whatever is asked", async () => {
  await late("-5 seconds");
  expect(await fireDue(db)).toEqual({});
  const [seen] = (await findUpcoming(db, { limit: 1 })) as [UpcomingSchedule];
  expect(await fire(db, seen, { dueMs: [seen.nextMs], nextMs: seen.nextMs + 10_000 })).toBeUndefined();
});

describe("ticks that are late by up to a minute fire one by one", () => {
  test.each(["once", "skip", "all"] as const)("with missed: %s", async (missed) => {
    await late("45 seconds", { missed, overlap: "allow" } as Settings);
    expect(await fireDue(db)).toEqual({ often: 5 });
    expect(await ages()).toEqual([45, 35, 25, 15, 5]);
    expect(await nextIn()).toBe(5);
  });
});

describe("ticks that were missed", () => {
  test("become one job by default, that of the newest", async () => {
    await late("1 hour 5 seconds", { overlap: "allow" });
    expect(await fireDue(db)).toEqual({ often: 1 });
    expect(await ages()).toEqual([5]);
    expect(await nextIn()).toBe(5);
    expect(await fireDue(db)).toEqual({});
  });

  test("become one job also where they are far apart, or are millions", async () => {
    await late("70 hours", { every: "24h" });
    expect(await fireDue(db)).toEqual({ often: 1 });
    expect(await ages()).toEqual([22 * 3_600]);
    await sql`truncate soniq_jobs, soniq_schedules`;
    await late("1000 days", { every: "1s" });
    expect(await fireDue(db)).toEqual({ often: 1 });
    expect(await ages()).toEqual([0]);
  });

  test("are passed over with skip, but for those that are merely late", async () => {
    await late("1 hour 5 seconds", { missed: "skip", overlap: "allow" });
    expect(await fireDue(db)).toEqual({ often: 6 });
    expect(await ages()).toEqual([55, 45, 35, 25, 15, 5]);
    await sql`truncate soniq_jobs, soniq_schedules`;
    await late("25 hours", { every: "24h", missed: "skip" });
    expect(await fireDue(db)).toEqual({ often: 0 });
    expect(await jobs()).toEqual([]);
    expect(await nextIn()).toBe(23 * 3_600);
  });

  test("are all made up for with all, a hundred in a statement", async () => {
    await late("2495 seconds", { missed: "all", overlap: "allow" } as Settings);
    const rounds = [await fireDue(db), await fireDue(db), await fireDue(db), await fireDue(db)];
    expect(rounds).toEqual([{ often: 100 }, { often: 100 }, { often: 50 }, {}]);
    expect(await ages()).toEqual(Array.from({ length: 250 }, (_, n) => 2_495 - 10 * n));
  });
});

describe("while the last job has not finished", () => {
  test("no other is enqueued, and the ticks go by", async () => {
    await late("1 second");
    await fireDue(db);
    await overdue(sql, "often", "1 second");
    expect(await fireDue(db)).toEqual({ often: 0 });
    expect(await jobs()).toHaveLength(1);
    expect(await nextIn()).toBe(9);
    await finishAll();
    await overdue(sql, "often", "1 second");
    expect(await fireDue(db)).toEqual({ often: 1 });
  });

  test("of several late ticks only the first has a job", async () => {
    await late("45 seconds");
    expect(await fireDue(db)).toEqual({ often: 1 });
    expect(await ages()).toEqual([45]);
    expect(await nextIn()).toBe(5);
  });

  test("others are, where they may overlap", async () => {
    await late("1 second", { overlap: "allow" });
    await fireDue(db);
    await overdue(sql, "often", "1 second");
    expect(await fireDue(db)).toEqual({ often: 1 });
    expect(await jobs()).toHaveLength(2);
  });

  test("a job that was pruned is one that has finished", async () => {
    await late("1 second");
    await fireDue(db);
    await sql`truncate soniq_jobs`;
    await overdue(sql, "often", "1 second");
    expect(await fireDue(db)).toEqual({ often: 1 });
  });
});

test("with a jitter each job is due up to so much later, at random", async () => {
  await late("9 seconds", { every: "1s", overlap: "allow", jitter: "1h" });
  expect(await fireDue(db)).toEqual({ often: 10 });
  const delays = (
    await sql<{ delay: number }[]>`select extract(epoch from run_at - now())::float8 as delay from soniq_jobs`
  ).map(({ delay }) => delay);
  expect(new Set(delays).size).toBe(10);
  expect(Math.min(...delays)).toBeGreaterThan(-60);
  expect(Math.max(...delays)).toBeGreaterThan(60);
  expect(Math.max(...delays)).toBeLessThan(3_600);
});

test("a tick's job holds the unique key of its definition, and is not enqueued while another holds it", async () => {
  const sole = defineJob({ name: "sole", payload: v.null(), unique: { by: [] } });
  await startWith(db, defineSchedule({ name: "sole", job: sole, payload: null, every: "10s" }));
  const { id } = await enqueue(db, sole, null);
  await overdue(sql, "sole", "1 second");
  expect(await fireDue(db)).toEqual({ sole: 0 });
  await finishAll();
  await sql`update soniq_jobs set unique_held = false`;
  await overdue(sql, "sole", "1 second");
  expect(await fireDue(db)).toEqual({ sole: 1 });
  const [holder] = await sql`select id::int from soniq_jobs where unique_held and unique_key is not null`;
  expect(await enqueue(db, sole, null)).toMatchObject({ id: holder?.["id"], deduplicated: true });
  expect(holder?.["id"]).not.toBe(id);
});

test("a tick's job holds its key for the window of its definition, and frees the one before when that is over", async () => {
  const throttled = defineJob({ name: "throttled", payload: v.null(), unique: { by: [], within: "1h" } });
  await startWith(db, defineSchedule({ name: "throttled", job: throttled, payload: null, every: "10s" }));
  const tick = async () => {
    await finishAll();
    await overdue(sql, "throttled", "1 second");
    return fireDue(db);
  };
  expect(await tick()).toEqual({ throttled: 1 });
  expect(await tick()).toEqual({ throttled: 0 });
  await sql`update soniq_jobs set unique_expires_at = now() - interval '1 second'`;
  expect(await tick()).toEqual({ throttled: 1 });
  const held =
    await sql`select extract(epoch from unique_expires_at - created_at)::int as s from soniq_jobs where unique_held order by id`;
  expect([...held]).toEqual([{ s: 3_600 }]);
});
