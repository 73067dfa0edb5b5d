// Workers that fire ticks.
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob, defineSchedule, type WorkerConfig } from "../../src/index.ts";
import { pauseSchedule, resumeSchedule } from "../../src/admin.ts";
import { endSession } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { overdue, startWith } from "../support/schedules.ts";
import { until } from "../support/until.ts";
import { observedWorker, startWorker } from "../support/worker.ts";

/** A database, and a configuration with a job that notes its payload. */
async function scheduled(schedules: (job: ReturnType<typeof noting>["job"]) => WorkerConfig["schedules"]) {
  const database = await testDatabase();
  const { ran, job } = noting();
  const config = {
    connection: database.url,
    jobs: { job },
    handlers: {},
    schedules: schedules(job) ?? [],
    rescueInterval: "200ms",
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
  await startWorker({ ...config, pollInterval: "1h" });
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
  await startWorker({ ...config, pollInterval: "100ms" });
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
  const { event } = await startWorker({ ...config, pollInterval: "50ms" });
  await sql`update soniq_schedules set cron = 'nonsense', next_run_at = now() - interval '1 hour' where name = 'broken'`;
  await event("error", ({ operation }) => operation === "firing the schedule broken");
  const before = ran.length;
  await until(async () => ran.length > before);
  expect(new Set(ran)).toEqual(new Set(["sound"]));
});

/** So many schedules that tick together, none of which has fired yet, of code that another worker runs. */
async function dueTogether(count: number, settings: object = {}) {
  const database = await scheduled(() => []);
  const { db, job } = database;
  const numbers = Array.from({ length: count }, (_, n) => n);
  const define = (n: number) =>
    defineSchedule({ name: `tenant ${n}`, job, payload: "", every: "1h", options: { queue: "nobody's" }, ...settings });
  await startWith(db, ...numbers.map(define));
  await database.sql`update soniq_schedules set next_run_at = now() - interval '1 second'`;
  return database;
}

test("schedules that tick together all fire at once, however many there are and however long the poll is", async () => {
  const { config, sql } = await dueTogether(1_200);
  const { events } = await startWorker({ ...config, pollInterval: "1h", rescueInterval: "1h" });
  const fired = async () => (await sql`select from soniq_schedules where ticks = 1`).length;
  await until(async () => (await fired()) === 1_200);
  expect(await sql`select from soniq_jobs`).toHaveLength(1_200);
  expect(events.filter(({ type }) => type === "tick-skipped" || type === "error")).toEqual([]);
});

test("several workers share the schedules that tick together, and each fires once", async () => {
  const { config, sql } = await dueTogether(1_000);
  await Promise.all([1, 2, 3].map(() => startWorker({ ...config, pollInterval: "1h" })));
  await until(async () => (await sql`select from soniq_schedules where ticks = 0`).length === 0);
  expect(await sql`select from soniq_jobs`).toHaveLength(1_000);
  expect(await sql`select from soniq_schedules where ticks <> 1`).toEqual([]);
});

test("schedules whose time zone this Node does not know keep none of those behind them, however many they are", async () => {
  const { config, ran, sql, db, job } = await dueTogether(620);
  await sql`update soniq_schedules set cron = '* * * * *', every_ms = null, time_zone = 'Mars/Olympus', next_run_at = now() - interval '1 hour'`;
  await startWith(db, defineSchedule({ name: "sound", job, payload: "sound", every: "1s" }));
  const { events } = await startWorker({ ...config, pollInterval: "100ms" });
  await until(async () => ran.length >= 3);
  const trouble = events.filter(({ type }) => type === "error");
  expect(trouble.length).toBe(620);
});

test.each([
  { fault: "a trigger of the application's refuses its job", sqlState: "23514" },
  { fault: "a trigger of the application's fails as a missing right would", sqlState: "42501" },
])("a schedule whose firing PostgreSQL refuses keeps no other: $fault", async ({ sqlState }) => {
  const { config, ran, sql, db, job } = await dueTogether(30);
  await sql.unsafe(`create function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'not this one' using errcode = '${sqlState}'; end $$`);
  await sql`create trigger refuse before insert on soniq_jobs for each row when (new.meta ->> 'schedule' = 'tenant 7') execute function refuse()`;
  await startWith(db, defineSchedule({ name: "sound", job, payload: "sound", every: "1s" }));
  const { event } = await startWorker({ ...config, pollInterval: "100ms" });
  await event("error", ({ operation }) => operation === "firing the schedule tenant 7");
  await until(async () => ran.length >= 2 && (await sql`select from soniq_schedules where ticks = 0`).length === 1);
  expect(await sql`select name from soniq_schedules where ticks = 0`).toEqual([{ name: "tenant 7" }]);
});

test("a schedule that was stored with an interval of nothing is told as trouble, and keeps no other", async () => {
  const { config, ran, sql, db, job } = await dueTogether(2);
  await sql`update soniq_schedules set every_ms = 0, next_run_at = now() - interval '1 hour' where name = 'tenant 0'`;
  await sql`update soniq_schedules set next_run_at = '-infinity' where name = 'tenant 1'`;
  await startWith(db, defineSchedule({ name: "sound", job, payload: "sound", every: "1s" }));
  const { event } = await startWorker({ ...config, pollInterval: "100ms" });
  await event("error", ({ operation }) => operation === "firing the schedule tenant 0");
  await until(async () => ran.length >= 2);
  expect(await sql`select from soniq_jobs where meta ->> 'schedule' = 'tenant 1'`).toHaveLength(1);
});

test("ticks that become one job because they are late are no overlap: no job was running", async () => {
  const { config, sql } = await dueTogether(1, { every: "10s" });
  await sql`update soniq_schedules set next_run_at = now() - interval '45 seconds'`;
  const { event, events } = await startWorker(config);
  expect(await event("tick-skipped")).toMatchObject({ schedule: "tenant 0", reason: "missed" });
  await until(async () => (await sql`select from soniq_schedules where next_run_at > now()`).length === 1);
  expect(events.filter((one) => one.type === "tick-skipped" && one.reason === "overlap")).toEqual([]);
  expect(await sql`select from soniq_jobs`).toHaveLength(1);
});

test("a start that takes longer than the lease keeps its session, and its schedules", async () => {
  const { config, sql, db, job } = await scheduled((noted) => [
    defineSchedule({ name: "slow", job: noted, payload: "new", every: "1h" }),
  ]);
  const other = await startWith(db, defineSchedule({ name: "slow", job, payload: "old", every: "1h" }));
  await endSession(db, other.session);
  const holder = await sql.reserve();
  await holder`begin`;
  await holder`select from soniq_schedules for update`;
  const { worker, events } = observedWorker({ ...config, lease: "1s", rescueInterval: "1h" });
  const started = worker.start();
  const age = () =>
    sql`select from soniq_workers where ended_at is null and lease_expires_at > started_at + interval '3 seconds'`;
  await until(async () => (await age()).length === 1);
  await holder`rollback`;
  holder.release();
  await started;
  expect(await sql`select payload, orphaned_at from soniq_schedules`).toEqual([{ payload: "new", orphaned_at: null }]);
  expect(events.filter(({ type }) => type === "session-lost")).toEqual([]);
});

test("a schedule that fired while the database's clock was ahead ticks by today's time again", async () => {
  const { config, ran, sql } = await scheduled((job) => [
    defineSchedule({ name: "often", job, payload: "tick", every: "1s" }),
    defineSchedule({ name: "cron", job, payload: "cron", cron: "* * * * * *" }),
  ]);
  await startWorker({ ...config, pollInterval: "100ms" });
  await until(async () => ran.length > 0);
  await sql`update soniq_schedules set next_run_at = now() + interval '2 years', updated_at = now() + interval '2 years'`;
  const before = ran.length;
  await until(async () => ran.slice(before).includes("tick") && ran.slice(before).includes("cron"));
  expect(await sql`select from soniq_schedules where next_run_at > now() + interval '1 minute'`).toEqual([]);
});

test("ticks that had no job of their own are told", async () => {
  const { config, sql } = await scheduled((job) => [
    defineSchedule({ name: "missed", job, payload: "", every: "1h", options: { queue: "nobody's" } }),
  ]);
  const { event } = await startWorker({ ...config, pollInterval: "50ms" });
  await overdue(sql, "missed", "5 hours");
  expect(await event("tick-skipped", ({ reason: because }) => because === "missed")).toMatchObject({
    schedule: "missed",
  });
  await overdue(sql, "missed", "1 second");
  expect(await event("tick-skipped", ({ reason: because }) => because === "overlap")).toMatchObject({
    tick: expect.any(Date),
  });
});
