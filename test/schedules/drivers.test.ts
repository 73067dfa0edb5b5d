// Schedules through every kind of driver that an application, or a worker, may have.
import { sql } from "drizzle-orm";
import { drizzle as overPg } from "drizzle-orm/node-postgres";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { Pool } from "pg";
import * as v from "valibot";
import { afterAll, expect, test } from "vitest";
import { defineJob, defineSchedule, type Queryable } from "../../src/index.ts";
import { listSchedules, pauseSchedule, deleteSchedule, resumeSchedule, triggerSchedule } from "../../src/admin.ts";
import { testDatabase } from "../support/database.ts";
import { testPglite } from "../support/pglite.ts";
import { fireDue, startWith } from "../support/schedules.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const pool = new Pool({ connectionString: (await testDatabase()).url });
// Its connections may be cut while they close, when the database is dropped.
pool.on("error", () => {});
afterAll(() => pool.end());
const pglite = await testPglite();
const handles: [string, Queryable][] = [
  ["postgres.js", (await testDatabase()).db],
  ["node-postgres", overPg({ client: pool })],
  ["PGlite", pglite.db],
];
const report = defineJob({ name: "report", payload: v.object({ days: v.number() }) });

test.each(handles)("%s", async (_driver, handle) => {
  const db = handle as PostgresJsDatabase;
  await startWith(db, defineSchedule({ name: "daily", job: report, payload: { days: 1 }, every: "24h" }));
  const [daily] = await listSchedules(db);
  expect(daily).toMatchObject({ everyMs: 86_400_000, payload: { days: 1 }, lastTickAt: null, pausedAt: null });
  expect(daily?.nextTicks.map((tick) => tick instanceof Date)).toEqual([true, true, true, true, true]);

  await db.execute(sql`update soniq_schedules set next_run_at = now() - interval '1 second'`);
  await pauseSchedule(db, "daily");
  expect(await fireDue(db)).toEqual({});
  await resumeSchedule(db, "daily");
  await db.execute(sql`update soniq_schedules set next_run_at = now() - interval '1 second'`);
  expect(await fireDue(db)).toEqual({ daily: 1 });
  const [fired] = await listSchedules(db);
  expect((await triggerSchedule(db, "daily")).id).toBeGreaterThan(fired?.lastJobId as number);
  await deleteSchedule(db, "daily");
  expect(await listSchedules(db)).toEqual([]);
});

test("a worker on PGlite fires ticks as well", async () => {
  const ran: number[] = [];
  const tick = defineJob({ name: "tick", payload: v.number(), run: (n) => void ran.push(n) });
  const schedules = [defineSchedule({ name: "often", job: tick, payload: 7, every: "1s" })];
  await startWorker({ connection: pglite.connection, jobs: { tick }, handlers: {}, schedules });
  await until(async () => ran.length >= 2);
  expect(new Set(ran)).toEqual(new Set([7]));
});
