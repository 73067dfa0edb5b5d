import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { Sql } from "postgres";
import type { Queryable } from "../../src/core/queryable.ts";
import type { ScheduleDefinition } from "../../src/index.ts";
import { type DueTicks, computeDueTicks } from "../../src/schedules/due-ticks.ts";
import { fireTicks } from "../../src/schedules/fire-ticks.ts";
import { type StoredSchedule, toStoredSchedule } from "../../src/schedules/stored-schedule.ts";
import { findUpcoming, type UpcomingSchedule } from "../../src/schedules/find-upcoming.ts";
import { syncSchedules } from "../../src/schedules/sync-schedules.ts";
import { openSession } from "../../src/sessions/session.ts";

/** A worker that the test plays itself, and the schedules of its code. */
export interface PlayedWorker {
  readonly session: string;
  readonly schedules: readonly StoredSchedule[];
}

/** What a worker with these schedules does as it starts. */
export async function startWith(db: PostgresJsDatabase, ...definitions: ScheduleDefinition[]): Promise<PlayedWorker> {
  const schedules = await Promise.all(definitions.map(toStoredSchedule));
  const carried = Object.fromEntries(schedules.map(({ name, definition }) => [name, definition]));
  const about = { host: "played by a test", pid: 0, version: "0", queues: {}, leaseMs: 600_000 };
  const session = await openSession(db, { ...about, schedules: carried });
  await syncSchedules(db, schedules);
  return { session, schedules };
}

/** Fires what is due, in one statement. @returns how many jobs of each schedule that fired */
export async function fireDue(db: PostgresJsDatabase): Promise<Record<string, number>> {
  const due = (await findUpcoming(db, { limit: 1_000 })).filter(({ nextMs, nowMs }) => nextMs <= nowMs);
  const fired = await fireTicks(
    db,
    due.map((schedule) => ({ schedule, ...computeDueTicks(schedule) })),
  );
  return Object.fromEntries(fired.map(({ name, jobs }) => [name, jobs]));
}

/** Fires one schedule as it was read, with its ticks that are due unless it is said which. @returns how many jobs; undefined if it did not fire */
export async function fire(
  db: Queryable,
  schedule: UpcomingSchedule,
  ticks: Pick<DueTicks, "dueMs" | "nextMs"> = computeDueTicks(schedule),
): Promise<number | undefined> {
  const [fired] = await fireTicks(db, [{ schedule, ...ticks }]);
  return fired?.jobs;
}

/** As if so much time had passed. */
export async function passTime(sql: Sql, time: string): Promise<void> {
  await sql`update soniq_schedules set next_run_at = next_run_at - ${time}::interval,
    last_tick_at = last_tick_at - ${time}::interval, created_at = created_at - ${time}::interval`;
}

/** Lets a schedule's next tick be so long ago. */
export async function overdue(sql: Sql, name: string, age: string): Promise<void> {
  await sql`update soniq_schedules set next_run_at = now() - ${age}::interval where name = ${name}`;
}
