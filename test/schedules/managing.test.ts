// Listing, pausing, resuming, triggering and removing schedules.
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import { defineJob, defineSchedule, SoniqError } from "../../src/index.ts";
import {
  listSchedules,
  pauseSchedule,
  previewTicks,
  deleteSchedule,
  resumeSchedule,
  triggerSchedule,
} from "../../src/admin.ts";
import { findUpcoming, type UpcomingSchedule } from "../../src/schedules/find-upcoming.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { fire, fireDue, overdue, startWith } from "../support/schedules.ts";

const { db, sql } = await testDatabase();
const report = defineJob({ name: "report", payload: v.object({ days: v.number() }), queue: "reports" });
const hourly = defineSchedule({ name: "hourly", job: report, payload: { days: 0 }, every: "1h" });
const nightly = defineSchedule({
  name: "nightly",
  job: report,
  payload: { days: 1 },
  cron: "30 2 * * *",
  timeZone: "Europe/Berlin",
});

beforeEach(async () => {
  await sql`truncate soniq_jobs, soniq_schedules, soniq_workers`;
  await startWith(db, nightly, hourly);
});

async function nextTick(name: string): Promise<Date> {
  const [row] = await sql`select next_run_at from soniq_schedules where name = ${name}`;
  return row?.["next_run_at"] as Date;
}

describe("the list", () => {
  test("has each schedule by name, with its next ticks", async () => {
    const [first, second] = await listSchedules(db);
    expect(first).toMatchObject({ name: "hourly", cron: null, everyMs: 3_600_000, lastTickAt: null, lastJobId: null });
    expect(second).toMatchObject({ name: "nightly", cron: "30 2 * * *", everyMs: null, timeZone: "Europe/Berlin" });
    expect(second).toMatchObject({
      jobName: "report",
      payload: { days: 1 },
      missed: "once",
      overlap: "skip",
      jitterMs: 0,
    });
    const next = (await nextTick("hourly")).getTime();
    expect(first?.nextTicks).toEqual([0, 1, 2, 3, 4].map((n) => new Date(next + n * 3_600_000)));
    expect(second?.nextTicks).toEqual(previewTicks(nightly, 5));
  });

  test("says what is paused, and that it has no next ticks", async () => {
    await pauseSchedule(db, "nightly");
    const [, paused] = await listSchedules(db);
    expect(paused).toMatchObject({ pausedAt: expect.any(Date), nextTicks: [] });
  });

  test("has the others, where this Node does not know the time zone of one", async () => {
    await sql`update soniq_schedules set time_zone = 'Moon/Tranquillity' where name = 'nightly'`;
    const [first, second] = await listSchedules(db);
    expect(first).toMatchObject({ name: "hourly", nextTicks: { length: 5 } });
    expect(second).toMatchObject({ name: "nightly", timeZone: "Moon/Tranquillity", nextTicks: [] });
  });

  test("says which job was the last", async () => {
    await overdue(sql, "hourly", "1 second");
    await fireDue(db);
    const [fired] = await listSchedules(db);
    const [job] = await sql`select id::int from soniq_jobs`;
    expect(fired).toMatchObject({ lastJobId: job?.["id"], lastTickAt: expect.any(Date) });
  });
});

describe("a schedule that is paused", () => {
  test("does not fire, until it is resumed", async () => {
    await pauseSchedule(db, "hourly");
    await overdue(sql, "hourly", "1 second");
    expect(await fireDue(db)).toEqual({});
    await resumeSchedule(db, "hourly");
    await overdue(sql, "hourly", "1 second");
    expect(await fireDue(db)).toEqual({ hourly: 1 });
  });

  test("keeps the time since when it is, if it is paused again", async () => {
    await pauseSchedule(db, "hourly");
    const [before] = await listSchedules(db);
    await pauseSchedule(db, "hourly");
    expect((await listSchedules(db))[0]?.pausedAt).toEqual(before?.pausedAt);
  });

  test("goes on with its next tick, and makes up for none that came due in the pause", async () => {
    await pauseSchedule(db, "hourly");
    await overdue(sql, "hourly", "150 minutes");
    const missed = await nextTick("hourly");
    await resumeSchedule(db, "hourly");
    expect(await fireDue(db)).toEqual({});
    expect((await nextTick("hourly")).getTime() - missed.getTime()).toBe(3 * 3_600_000);
  });

  test("does not fire for whoever has seen it before the pause", async () => {
    await overdue(sql, "hourly", "1 second");
    const [seen] = (await findUpcoming(db, { limit: 1 })) as [UpcomingSchedule];
    await pauseSchedule(db, "hourly");
    await resumeSchedule(db, "hourly");
    await overdue(sql, "hourly", "1 second");
    expect(await fire(db, seen)).toBeUndefined();
  });

  test("keeps its next tick, if none came due", async () => {
    const before = await nextTick("hourly");
    await pauseSchedule(db, "hourly");
    await resumeSchedule(db, "hourly");
    expect(await nextTick("hourly")).toEqual(before);
  });
});

test("a schedule that is not paused is resumed without effect, though a tick is overdue", async () => {
  await overdue(sql, "hourly", "1 second");
  await resumeSchedule(db, "hourly");
  expect(await fireDue(db)).toEqual({ hourly: 1 });
});

describe("a schedule that is triggered", () => {
  test("has a job at once, and its ticks when they come", async () => {
    const before = await nextTick("nightly");
    const { id } = await triggerSchedule(db, "nightly");
    expect(await jobRow(db, id)).toMatchObject({
      name: "report",
      queue: "reports",
      payload: { days: 1 },
      meta: { schedule: "nightly" },
      state: "queued",
    });
    expect(await nextTick("nightly")).toEqual(before);
  });

  test("may be paused, and its last job may run", async () => {
    await pauseSchedule(db, "nightly");
    const first = await triggerSchedule(db, "nightly");
    const second = await triggerSchedule(db, "nightly");
    expect(second.id).toBeGreaterThan(first.id);
  });

  test("has a last job, beside which a tick has none", async () => {
    await triggerSchedule(db, "hourly");
    await overdue(sql, "hourly", "1 second");
    expect(await fireDue(db)).toEqual({ hourly: 0 });
  });

  test("has the tick's job that runs for its last job yet, beside which a tick has none", async () => {
    await overdue(sql, "hourly", "1 second");
    expect(await fireDue(db)).toEqual({ hourly: 1 });
    const { id } = await triggerSchedule(db, "hourly");
    await sql`update soniq_jobs set state = 'completed', finished_at = now() where id = ${id}`;
    await overdue(sql, "hourly", "1 second");
    expect(await fireDue(db)).toEqual({ hourly: 0 });
  });

  test("has its job if and only if the transaction commits", async () => {
    const broken = db.transaction(async (tx) => {
      await triggerSchedule(tx, "nightly");
      throw new Error("rolled back");
    });
    await expect(broken).rejects.toThrow("rolled back");
    expect(await sql`select from soniq_jobs`).toHaveLength(0);
  });

  test("has none where another job holds its unique key, and says so", async () => {
    const sole = defineJob({ name: "sole", payload: v.null(), unique: { by: [] } });
    await startWith(db, defineSchedule({ name: "sole", job: sole, payload: null, every: "1h" }));
    await triggerSchedule(db, "sole");
    await expect(triggerSchedule(db, "sole")).rejects.toThrow(/^schedule sole: another job holds the unique key/);
  });
});

test("a schedule that is removed is gone, and its jobs stay", async () => {
  const { id } = await triggerSchedule(db, "nightly");
  await deleteSchedule(db, "nightly");
  expect((await listSchedules(db)).map(({ name }) => name)).toEqual(["hourly"]);
  expect(await jobRow(db, id)).toMatchObject({ state: "queued" });
});

test.each([
  ["pauseSchedule", pauseSchedule],
  ["resumeSchedule", resumeSchedule],
  ["triggerSchedule", triggerSchedule],
  ["deleteSchedule", deleteSchedule],
])("%s of a name that there is not says which there are", async (_name, act) => {
  const failed = act(db, "nihgtly").catch((error: unknown) => error);
  expect(await failed).toBeInstanceOf(SoniqError);
  expect(await failed).toMatchObject({ message: 'there is no schedule "nihgtly": there are hourly, nightly' });
});

test("a preview shows the ticks that a rhythm would have", () => {
  const from = new Date("2026-03-28T12:00:00Z");
  expect(previewTicks({ cron: "30 2 * * *", timeZone: "Europe/Berlin" }, 2, from)).toEqual([
    new Date("2026-03-29T01:00:00Z"),
    new Date("2026-03-30T00:30:00Z"),
  ]);
  expect(previewTicks({ every: "12h" }, 2, from)).toEqual([
    new Date("2026-03-29T00:00:00Z"),
    new Date("2026-03-29T12:00:00Z"),
  ]);
  expect(previewTicks({ every: "12h" }, 0, from)).toEqual([]);
});

test.each(["not a cron", "99 * * * *", "0 0 31 2 *"])(
  "a schedule whose cron is %j, by plain SQL, hides no other one",
  async (cron) => {
    await startWith(db, hourly, nightly);
    await sql`update soniq_schedules set cron = ${cron} where name = 'nightly'`;
    const schedules = await listSchedules(db);
    expect(schedules.map(({ name }) => name)).toEqual(["hourly", "nightly"]);
  },
);
