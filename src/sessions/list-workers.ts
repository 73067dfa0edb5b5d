import { desc, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom, nullableDateFrom } from "../core/fragments.js";

/** A worker session. A worker that misses heartbeats for longer than its lease continues in a new session. */
export interface WorkerInfo {
  /** The session's id, which is the `workerId` of its jobs. */
  readonly id: string;
  readonly host: string;
  readonly pid: number | null;
  readonly version: string;
  /** Sorted by name. */
  readonly queues: readonly WorkerQueue[];
  readonly startedAt: Date;
  /** The time of the last heartbeat. */
  readonly beatAt: Date;
  /**
   * How long the lease lasts without another heartbeat, in milliseconds; negative once it has expired. On PGlite, the lease
   * practically never expires.
   */
  readonly leaseLeftMs: number;
  readonly endedAt: Date | null;
  /** `silent`: the lease has expired, so its jobs are about to be rescued. `ended`: it stopped, or was found dead. */
  readonly state: "live" | "silent" | "ended";
}

/** A queue of a worker. */
export interface WorkerQueue {
  readonly name: string;
  /** The number of jobs that the worker holds, including claimed jobs that have not started yet. */
  readonly active: number;
  /** How many jobs may run at the same time. */
  readonly concurrency: number;
}

const maxWorkers = 1_000;
/** The maximum number of jobs that are counted per worker. A worker can hardly hold more. */
const maxCountedJobs = 10_000;

/**
 * Lists the worker sessions: first those that have not ended, each group from newest to oldest, 1000 at most. A session is deleted a few
 * minutes after its end, once its jobs have been rescued.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listWorkers(db: Queryable): Promise<WorkerInfo[]> {
  // A lateral count per worker uses the owner index.
  const activeJobs = sql`select queue from ${soniqJobs} where state = 'active' and worker_id = ${soniqWorkers}.id limit ${maxCountedJobs}`;
  const counts = sql`select queue, count(*)::int as jobs from (${activeJobs}) as held group by queue`;
  const rows = await builder(db)
    .select({
      id: soniqWorkers.id,
      host: soniqWorkers.host,
      pid: soniqWorkers.pid,
      version: soniqWorkers.version,
      concurrency: sql<string>`${soniqWorkers.queues}::text`,
      active: sql<string>`(select coalesce(pg_catalog.jsonb_object_agg(queue, jobs), '{}')::text from (${counts}) as counts)`,
      startedAt: dateFrom(soniqWorkers.startedAt),
      beatAt: dateFrom(soniqWorkers.beatAt),
      leaseLeftMs: sql<number>`(extract(epoch from greatest(${soniqWorkers.leaseExpiresAt}, ${soniqWorkers.startedAt}) - now()) * 1000)::float8`,
      endedAt: nullableDateFrom(soniqWorkers.endedAt),
      state: sql<
        WorkerInfo["state"]
      >`case when ${soniqWorkers.endedAt} is not null then 'ended' when ${soniqWorkers.leaseExpiresAt} <= now() then 'silent' else 'live' end`,
    })
    .from(soniqWorkers)
    .orderBy(sql`${soniqWorkers.endedAt} is not null`, desc(soniqWorkers.startedAt), soniqWorkers.id)
    .limit(maxWorkers)
    .catch(explainMissingTables);
  return rows.map(({ concurrency, active, leaseLeftMs, ...worker }) => ({
    ...worker,
    leaseLeftMs: Math.round(Number(leaseLeftMs)),
    queues: toWorkerQueues(JSON.parse(concurrency) as Counts, JSON.parse(active) as Counts),
  }));
}

type Counts = Readonly<Record<string, number>>;

function toWorkerQueues(concurrency: Counts, active: Counts): WorkerQueue[] {
  const activeJobs = new Map(Object.entries(active));
  return Object.entries(concurrency)
    .map(([name, max]) => ({ name, active: activeJobs.get(name) ?? 0, concurrency: max }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
