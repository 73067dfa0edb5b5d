import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { Sql } from "postgres";
import type { ScheduleDefinition } from "../../src/index.ts";
import { dueTicks } from "../../src/schedules/due-ticks.ts";
import { fire } from "../../src/schedules/fire.ts";
import { type StoredSchedule, storedSchedule } from "../../src/schedules/stored-schedule.ts";
import { findUpcoming } from "../../src/schedules/upcoming.ts";
import { syncSchedules } from "../../src/schedules/versions.ts";
import { openSession } from "../../src/sessions/session.ts";

/** A worker that the test plays itself, and the schedules of its code. */
export interface PlayedWorker {
  readonly session: string;
  readonly schedules: readonly StoredSchedule[];
}

/** What a worker with these schedules does as it starts. */
export async function startWith(db: PostgresJsDatabase, ...definitions: ScheduleDefinition[]): Promise<PlayedWorker> {
  const schedules = await Promise.all(definitions.map(storedSchedule));
  const carried = Object.fromEntries(schedules.map(({ name, definition }) => [name, definition]));
  const about = { host: "played by a test", pid: 0, version: "0", queues: {}, leaseMs: 600_000 };
  const session = await openSession(db, { ...about, schedules: carried });
  await syncSchedules(db, schedules);
  return { session, schedules };
}

/** Fires what is due, in one round. @returns how many jobs of each schedule that fired */
export async function fireDue(db: PostgresJsDatabase): Promise<Record<string, number>> {
  const fired: Record<string, number> = {};
  for (const schedule of await findUpcoming(db, 100)) {
    if (schedule.nextMs > schedule.nowMs) continue;
    const jobs = await fire(db, schedule, dueTicks(schedule));
    if (jobs !== undefined) fired[schedule.name] = jobs;
  }
  return fired;
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
