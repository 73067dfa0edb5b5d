// What a worker's start does to a schedule, while other workers run the same code, an older one or a newer one.
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import { defineJob, defineSchedule, type ScheduleDefinition } from "../../src/index.ts";
import { pauseSchedule, deleteSchedule } from "../../src/admin.ts";
import { reviewSchedules } from "../../src/schedules/sync-schedules.ts";
import { endSession } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { fireDue, overdue, passTime, type PlayedWorker, startWith } from "../support/schedules.ts";
import { expireLease } from "../support/sessions.ts";

const { db, sql } = await testDatabase();
const report = defineJob({ name: "report", payload: v.object({ version: v.number() }) });

beforeEach(() => sql`truncate soniq_jobs, soniq_schedules, soniq_workers`);

/** The schedule of one version of the code: the others have another payload. */
function version(n: number, settings: object = { every: "24h" }): ScheduleDefinition {
  const schedule = { name: "daily", job: report, payload: { version: n }, ...settings };
  return defineSchedule(schedule as unknown as Parameters<typeof defineSchedule>[0]);
}

const start = (definition: ScheduleDefinition) => startWith(db, definition);
const stop = ({ session }: PlayedWorker) => endSession(db, session);
const review = ({ schedules }: PlayedWorker) => reviewSchedules(db, schedules);

async function row() {
  const [schedule] =
    await sql`select *, round(extract(epoch from next_run_at - now()))::int as next_in from soniq_schedules`;
  return schedule as Record<string, unknown> & { payload: { version: number }; next_in: number };
}
const inForce = async () => (await row()).payload.version;
const hours = 3_600;

describe("a schedule that was never seen", () => {
  test("ticks first when its interval is over", async () => {
    await start(version(1));
    expect(await row()).toMatchObject({ name: "daily", job_name: "report", next_in: 24 * hours, paused_at: null });
  });

  test("ticks first as its expression says", async () => {
    await start(version(1, { cron: "0 0 1 1 *", timeZone: "America/New_York" }));
    const { next_run_at: next } = await row();
    expect(next).toEqual(new Date(`${new Date().getUTCFullYear() + 1}-01-01T05:00:00Z`));
  });

  test("is paused if it says so, and stays as it is from then on", async () => {
    await start(version(1, { every: "24h", paused: true }));
    expect((await row())["paused_at"]).toBeInstanceOf(Date);
    await sql`update soniq_schedules set paused_at = null`;
    await start(version(2, { every: "24h", paused: true }));
    expect(await row()).toMatchObject({ paused_at: null, payload: { version: 2 } });
    await pauseSchedule(db, "daily");
    await start(version(3));
    expect((await row())["paused_at"]).toBeInstanceOf(Date);
  });

  test("is created once, however many workers start at the same time", async () => {
    await Promise.all(Array.from({ length: 8 }, () => start(version(1))));
    expect(await sql`select from soniq_schedules`).toHaveLength(1);
  });
});

describe("a restart", () => {
  test("every twelve hours does not keep a schedule from ticking every twenty-four", async () => {
    let worker = await start(version(1));
    const fired: number[] = [];
    for (let halfDay = 1; halfDay <= 10; halfDay += 1) {
      await passTime(sql, "12 hours");
      await stop(worker);
      worker = await start(version(1));
      await sql`update soniq_jobs set state = 'completed', finished_at = now()`;
      if ((await fireDue(db))["daily"] === 1) fired.push(halfDay);
    }
    expect(fired).toEqual([2, 4, 6, 8, 10]);
  });

  test("lets an overdue tick fire", async () => {
    await stop(await start(version(1)));
    await overdue(sql, "daily", "30 seconds");
    await start(version(1));
    expect(await fireDue(db)).toEqual({ daily: 1 });
  });
});

describe("a new version", () => {
  test("is in force as soon as its first worker starts, and loses no tick", async () => {
    await start(version(1));
    await overdue(sql, "daily", "30 seconds");
    await start(version(2));
    expect(await inForce()).toBe(2);
    expect(await fireDue(db)).toEqual({ daily: 1 });
    expect(await sql`select payload from soniq_jobs`).toEqual([{ payload: { version: 2 } }]);
  });

  test("does not move the next tick, unless that comes at other times", async () => {
    await start(version(1));
    await passTime(sql, "6 hours");
    await start(version(2));
    expect((await row()).next_in).toBe(18 * hours);
    await start(version(3, { every: "12h" }));
    expect((await row()).next_in).toBe(12 * hours);
  });

  test("that ticks at other times lets a tick that is overdue fire first", async () => {
    await start(version(1));
    await overdue(sql, "daily", "30 seconds");
    await start(version(2, { every: "12h" }));
    expect(await fireDue(db)).toEqual({ daily: 1 });
    expect((await row()).next_in).toBe(12 * hours - 30);
  });

  test("and the one before do not fight, however often workers of both start, and look", async () => {
    const workers = [await start(version(1)), await start(version(2))];
    const before = await row();
    for (let round = 0; round < 5; round += 1) {
      workers.push(await start(version(1)), await start(version(2)));
      for (const worker of workers) await review(worker);
    }
    expect(await row()).toMatchObject({ ...before, next_in: expect.any(Number) });
    expect(before.payload).toEqual({ version: 2 });
  });

  test.each(["stopped", "killed"])("that is taken back gives way when its last worker was %s", async (how) => {
    const old = await start(version(1));
    const first = await start(version(2));
    const second = await start(version(2));
    await stop(first);
    await review(old);
    expect(await inForce()).toBe(2);
    await (how === "stopped" ? stop(second) : expireLease(sql, second.session));
    await review(old);
    expect(await inForce()).toBe(1);
  });

  test("that was taken back and comes again is in force again", async () => {
    const old = await start(version(1));
    await stop(await start(version(2)));
    await review(old);
    await start(version(2));
    expect(await inForce()).toBe(2);
    await review(old);
    expect(await inForce()).toBe(2);
  });

  test("of hundreds leaves only the last few to be remembered", async () => {
    for (let n = 1; n <= 30; n += 1) await stop(await start(version(n)));
    const remembered = Object.keys((await row())["definitions"] as object);
    expect(remembered).toHaveLength(20);
    expect(remembered).toContain((await row())["definition"]);
  });
});

describe("a definition that is remembered no more", () => {
  test("gives way to those that are, and is in force when none of these is left", async () => {
    const ancient = await start(version(0));
    for (let n = 1; n <= 20; n += 1) await stop(await start(version(n)));
    const last = await start(version(21));
    await review(ancient);
    expect(await inForce()).toBe(21);
    await stop(last);
    await review(ancient);
    expect(await inForce()).toBe(0);
  });
});

describe("a schedule that no worker's code defines any more", () => {
  test("fires no more, and is flagged", async () => {
    const worker = await start(version(1));
    await stop(worker);
    await startWith(db);
    await overdue(sql, "daily", "1 second");
    expect((await row())["orphaned_at"]).toBeInstanceOf(Date);
    expect(await fireDue(db)).toEqual({});
  });

  test("is flagged by the workers that are left, when the last one that defined it has gone", async () => {
    const other = await startWith(db);
    const worker = await start(version(1));
    await review(other);
    expect(await row()).toMatchObject({ orphaned_at: null });
    await expireLease(sql, worker.session);
    await review(other);
    expect((await row())["orphaned_at"]).toBeInstanceOf(Date);
  });

  test("goes on when it is back, with the tick that came due meanwhile", async () => {
    await stop(await start(version(1)));
    await startWith(db);
    await overdue(sql, "daily", "30 seconds");
    await start(version(1));
    expect(await row()).toMatchObject({ orphaned_at: null });
    expect(await fireDue(db)).toEqual({ daily: 1 });
  });
});

test("a schedule that was removed comes back with the next start, not by itself", async () => {
  const worker = await start(version(1));
  await deleteSchedule(db, "daily");
  await review(worker);
  expect(await sql`select from soniq_schedules`).toHaveLength(0);
  await start(version(1));
  expect(await row()).toMatchObject({ next_in: 24 * hours });
});
