import { parseText } from "../core/json.js";
import { eq, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqSchedules } from "../../schema/schedules.js";
import { SoniqError } from "../core/errors.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/rows.js";
import { ring } from "../sessions/doorbell.js";
import { noSuchSchedule } from "./no-such-schedule.js";
import { isRunning, scheduledJob } from "./scheduled-job.js";

/**
 * Enqueues a schedule's job now, as if it had a tick, whether it is paused or not, and though the last job may not have
 * finished. Its ticks come when they come; with `overlap: "skip"`, none while this job has not finished, unless another one of
 * the schedule's had not when this was triggered: then the ticks wait for that.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @returns the job's id
 * @throws NotFoundError if there is no schedule of that name
 * @throws SoniqError if another job holds the unique key of its job
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function triggerSchedule(db: Queryable, name: string): Promise<{ readonly id: number }> {
  parseText(name, "schedule", 200);
  const schedule = new QueryBuilder()
    .select()
    .from(soniqSchedules)
    .where(eq(soniqSchedules.name, name))
    .for("no key update");
  const [triggered] = await fetchRows<{ id: string | number | null }>(
    db,
    sql`with schedule as (${schedule}),
      ${scheduledJob(sql`null`, sql`null::float8`, sql`schedule`)}
      update ${soniqSchedules} set
        last_job_id = case when ${isRunning} then schedule.last_job_id else coalesce((select id from job), schedule.last_job_id) end
      from schedule where ${soniqSchedules.name} = schedule.name
      returning (select id from job) as id, (select ${ring(sql`job.queue`)} from job) as rung`,
  ).catch(explainMissingTables);
  if (!triggered) return noSuchSchedule(db, name);
  if (triggered.id === null)
    throw new SoniqError(`schedule ${name}: another job holds the unique key of its job: wait until that is freed`);
  return { id: Number(triggered.id) };
}
