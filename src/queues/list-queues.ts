import { type SQL, sql } from "drizzle-orm";
import { isLive } from "../core/fragments.js";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqQueues } from "../../schema/queues.js";
import { soniqWorkers } from "../../schema/workers.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/fetch-rows.js";
import { waitingQueues } from "./waiting-queues.js";

/** At most this many jobs of each kind are counted, because counting a million takes long. */
export const maxCountedJobs = 10_000;

/** A queue and its job counts. A count of 10000 means 10000 or more. */
export interface QueueInfo {
  readonly name: string;
  /** When the queue was paused; null if it is not paused. */
  readonly pausedAt: Date | null;
  /** Waiting jobs that could run now. */
  readonly due: number;
  /** Jobs for later. */
  readonly scheduled: number;
  /** Webhooks that are set aside until their endpoint accepts deliveries. */
  readonly parked: number;
  readonly active: number;
  /** How long the oldest due job has been due, in milliseconds; null if no job is due. */
  readonly latencyMs: number | null;
}

/**
 * Lists queues by name: the queues with waiting or active jobs, the queues that a live worker works, and the queues that are or
 * were paused.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listQueues(db: Queryable): Promise<QueueInfo[]> {
  // As an array, because PostgreSQL estimates 100 queues per worker. For that many rows it would JIT-compile the statement, which
  // takes seconds, and then find only a few queues.
  const rows = await fetchRows<Row>(
    db,
    sql`with active as materialized (
        select queue, count(*)::int as jobs from (select queue from ${soniqJobs} where state = 'active' limit ${maxCountedJobs}) as jobs group by queue
      ), names as (
        select queue from (${waitingQueues}) as waiting
        union select queue from active
        union select name from ${soniqQueues}
        union select jsonb_object_keys(queues) from (select distinct queues from ${soniqWorkers} where ${isLive}) as worked
      )
      select queues.queue as name, extract(epoch from paused_at)::float8 * 1000 as "pausedAtMs",
        (${countJobs(due)}) as due, (${countJobs(sql`job.run_at > now() and job.run_at < 'infinity'`)}) as scheduled,
        (${countJobs(sql`job.run_at = 'infinity'`)}) as parked, coalesce(active.jobs, 0) as active,
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

/**
 * Runs the select once per priority, in the order of the claim index. Otherwise PostgreSQL would read all jobs for later, only to
 * find that none of them is due.
 */
function perPriority(select: SQL): SQL {
  return sql`select found.* from generate_series(0, 9) as each (priority) cross join lateral (${select}) as found`;
}

function fromWaiting(when: SQL): SQL {
  return sql`from ${soniqJobs} as job where job.state = 'queued' and job.queue = queues.queue and job.priority = each.priority and ${when}`;
}

function countJobs(when: SQL): SQL {
  const found = perPriority(sql`select 1 as one ${fromWaiting(when)} limit ${maxCountedJobs}`);
  return sql`select count(*)::int from (${found} limit ${maxCountedJobs}) as counted`;
}

const due = sql`job.run_at <= now()`;
const firstDue = perPriority(sql`select run_at ${fromWaiting(due)} order by run_at limit 1`);
