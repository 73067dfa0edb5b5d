import { parseText } from "../core/json.js";
import { eq, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqSchedules } from "../../schema/schedules.js";
import { SoniqError } from "../core/errors.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/fetch-rows.js";
import { ring } from "../sessions/doorbell.js";
import { throwScheduleNotFound } from "./schedule-not-found.js";
import { isRunning, buildScheduledJobInsert } from "./scheduled-job.js";

/**
 * Enqueues a schedule's job now, even if the schedule is paused or its last job is unfinished. The schedule's ticks
 * keep their times. With `overlap: "skip"`, they enqueue no job until this job has finished. If the schedule's last job
 * was unfinished when you trigger, the ticks wait for that job instead.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @returns the job's id
 * @throws NotFoundError if there is no schedule of that name
 * @throws SoniqError if another job holds the unique key of the schedule's job
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function triggerSchedule(db: Queryable, name: string): Promise<{ readonly id: number }> {
  parseText(name, "schedule", 200);
  const schedule = new QueryBuilder()
    .select()
    .from(soniqSchedules)
    .where(eq(soniqSchedules.name, name))
    .for("no key update");
  const [row] = await fetchRows<{ id: string | number | null }>(
    db,
    sql`with schedule as (${schedule}),
      ${buildScheduledJobInsert(sql`null`, sql`null::float8`, sql`schedule`)}
      update ${soniqSchedules} set
        last_job_id = case when ${isRunning} then schedule.last_job_id else coalesce((select id from job), schedule.last_job_id) end
      from schedule where ${soniqSchedules.name} = schedule.name
      returning (select id from job) as id, (select ${ring(sql`job.queue`)} from job) as rung`,
  ).catch(explainMissingTables);
  if (!row) return throwScheduleNotFound(db, name);
  if (row.id === null)
    throw new SoniqError(
      `schedule ${name}: another job holds the unique key of its job: wait until that job frees the key`,
    );
  return { id: Number(row.id) };
}
