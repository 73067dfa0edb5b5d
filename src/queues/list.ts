import { type SQL, sql } from "drizzle-orm";
import { isLive } from "../core/fragments.js";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqQueues } from "../../schema/queues.js";
import { soniqWorkers } from "../../schema/workers.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/rows.js";
import { waitingQueues } from "./waiting.js";

/** So many jobs of each kind are counted at the most: a million would take a while. */
export const maxCounted = 10_000;

/** A queue and what is in it. Of each count, 10000 stands for as many or more. */
export interface QueueInfo {
  readonly name: string;
  /** Since when it is paused; null if it is not. */
  readonly pausedAt: Date | null;
  /** Jobs that wait, and could run now. */
  readonly due: number;
  /** Jobs for later. */
  readonly scheduled: number;
  /** Webhooks that are set aside until their endpoint takes them. */
  readonly parked: number;
  readonly active: number;
  /** For how long the first of the due jobs has been due, in milliseconds; null if none is. */
  readonly latencyMs: number | null;
}

/**
 * Lists the queues in which jobs wait or run, that a live worker works, or that are or were paused, by name.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listQueues(db: Queryable): Promise<QueueInfo[]> {
  // As an array, since PostgreSQL reckons with a hundred queues for each worker: for so many it would compile the statement, which
  // takes seconds, and then meet a few.
  const rows = await fetchRows<Row>(
    db,
    sql`with active as materialized (
        select queue, count(*)::int as jobs from (select queue from ${soniqJobs} where state = 'active' limit ${maxCounted}) as jobs group by queue
      ), names as (
        select queue from (${waitingQueues}) as waiting
        union select queue from active
        union select name from ${soniqQueues}
        union select jsonb_object_keys(queues) from (select distinct queues from ${soniqWorkers} where ${isLive}) as worked
      )
      select queues.queue as name, extract(epoch from paused_at)::float8 * 1000 as "pausedAtMs",
        (${counted(due)}) as due, (${counted(sql`job.run_at > now() and job.run_at < 'infinity'`)}) as scheduled,
        (${counted(sql`job.run_at = 'infinity'`)}) as parked, coalesce(active.jobs, 0) as active,
        (select round(extract(epoch from now() - min(run_at)) * 1000)::float8 from (${firstDue}) as first) as "latencyMs"
      from pg_catalog.unnest(array(select queue from names)) as queues (queue)
      left join active on active.queue = queues.queue
      left join ${soniqQueues} on ${soniqQueues.name} = queues.queue
      order by 1`,
  ).catch(explainMissingTables);
  return rows.map(({ pausedAtMs, ...row }) => ({
    ...row,
    pausedAt: pausedAtMs === null ? null : new Date(pausedAtMs),
  }));
}

interface Row extends Omit<QueueInfo, "pausedAt"> {
  readonly pausedAtMs: number | null;
}

/** By priority, as the claim index has them: or all jobs for later would be read to find that none of them is due. */
function perPriority(select: SQL): SQL {
  return sql`select found.* from generate_series(0, 9) as each (priority) cross join lateral (${select}) as found`;
}

function waiting(when: SQL): SQL {
  return sql`from ${soniqJobs} as job where job.state = 'queued' and job.queue = queues.queue and job.priority = each.priority and ${when}`;
}

function counted(when: SQL): SQL {
  const found = perPriority(sql`select 1 as one ${waiting(when)} limit ${maxCounted}`);
  return sql`select count(*)::int from (${found} limit ${maxCounted}) as counted`;
}

const due = sql`job.run_at <= now()`;
const firstDue = perPriority(sql`select run_at ${waiting(due)} order by run_at limit 1`);
