// Workers that fire ticks.
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob, defineSchedule, pauseSchedule, resumeSchedule, type WorkerConfig } from "../../src/index.ts";
import { endSession } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { overdue, startWith } from "../support/schedules.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

/** A database, and a configuration with a job that notes its payload. */
async function scheduled(schedules: (job: ReturnType<typeof noting>["job"]) => WorkerConfig["schedules"]) {
  const database = await testDatabase();
  const { ran, job } = noting();
  const config = {
    connection: database.url,
    jobs: { job },
    handlers: {},
    schedules: schedules(job) ?? [],
    sweep: "200ms",
  };
  return { ...database, ran, job, config: config as WorkerConfig };
}

function noting() {
  const ran: string[] = [];
  return { ran, job: defineJob({ name: "note", payload: v.string(), run: (word) => void ran.push(word) }) };
}

test("a worker runs a job at each tick, though it would poll in an hour only", async () => {
  const { config, ran, sql } = await scheduled((job) => [
    defineSchedule({ name: "often", job, payload: "tick", cron: "* * * * * *" }),
  ]);
  await startWorker({ ...config, poll: "1h" });
  await until(async () => ran.length >= 3);
  const ticks = await sql`select meta ->> 'tick' as tick from soniq_jobs order by id limit 3`;
  const [first, second, third] = ticks.map(({ tick }) => Date.parse(tick as string));
  expect([second, third]).toEqual([(first as number) + 1_000, (first as number) + 2_000]);
});

test("a worker fires the schedules of others' code, until the last of these has gone", async () => {
  const { config, ran, job, db, sql } = await scheduled(() => []);
  const other = await startWith(db, defineSchedule({ name: "other's", job, payload: "other's", every: "1s" }));
  await startWorker(config);
  await until(async () => ran.length >= 2);
  await endSession(db, other.session);
  await until(async () => (await sql`select from soniq_schedules where orphaned_at is not null`).length > 0);
  expect(new Set(ran)).toEqual(new Set(["other's"]));
});

test("a schedule that was paused elsewhere fires no more, and one that was resumed does", async () => {
  const { config, ran, db, sql } = await scheduled((job) => [
    defineSchedule({ name: "paused", job, payload: "paused", every: "1s" }),
    defineSchedule({ name: "witness", job, payload: "witness", every: "1s" }),
  ]);
  const ticksOf = async (name: string) =>
    (await sql`select from soniq_jobs where meta ->> 'schedule' = ${name}`).length;
  await startWorker({ ...config, poll: "100ms" });
  await until(async () => ran.includes("paused"));
  await pauseSchedule(db, "paused");
  const [paused, witnessed] = [await ticksOf("paused"), await ticksOf("witness")];
  await until(async () => (await ticksOf("witness")) >= witnessed + 2);
  expect(await ticksOf("paused")).toBe(paused);
  await resumeSchedule(db, "paused");
  await until(async () => (await ticksOf("paused")) > paused);
});

test("a schedule that cannot be fired is told as trouble, and keeps no other", async () => {
  const { config, ran, sql } = await scheduled((job) => [
    defineSchedule({ name: "broken", job, payload: "broken", every: "1h" }),
    defineSchedule({ name: "sound", job, payload: "sound", every: "1s" }),
  ]);
  const { event } = await startWorker({ ...config, poll: "50ms" });
  await sql`update soniq_schedules set cron = 'nonsense', next_run_at = now() - interval '1 hour' where name = 'broken'`;
  await event("trouble", ({ doing }) => doing === "firing the schedule broken");
  const before = ran.length;
  await until(async () => ran.length > before);
  expect(new Set(ran)).toEqual(new Set(["sound"]));
});

test("ticks that had no job of their own are told", async () => {
  const { config, sql } = await scheduled((job) => [
    defineSchedule({ name: "missed", job, payload: "", every: "1h", options: { queue: "nobody's" } }),
  ]);
  const { event } = await startWorker({ ...config, poll: "50ms" });
  await overdue(sql, "missed", "5 hours");
  expect(await event("tick skipped", ({ because }) => because === "missed")).toMatchObject({ schedule: "missed" });
  await overdue(sql, "missed", "1 second");
  expect(await event("tick skipped", ({ because }) => because === "overlap")).toMatchObject({ tick: expect.any(Date) });
});
