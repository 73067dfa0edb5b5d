import { desc, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom, nullableDateFrom } from "../core/fragments.js";

/** A worker, from its start until its end: one that has been silent for longer than its lease goes on as another one. */
export interface WorkerInfo {
  /** The session's: a job's `workerId`. */
  readonly id: string;
  readonly host: string;
  readonly pid: number | null;
  readonly version: string;
  /** By name. */
  readonly queues: readonly WorkerQueue[];
  readonly startedAt: Date;
  /** When it was last heard of. */
  readonly beatAt: Date;
  /** For how long it counts as alive though it says nothing more, in milliseconds; negative once that is over. On PGlite, for ages. */
  readonly leaseLeftMs: number;
  readonly endedAt: Date | null;
  /** `silent`: for longer than its lease, so that its jobs are about to be taken from it. `ended`: it stopped, or was found dead. */
  readonly state: "live" | "silent" | "ended";
}

/** A queue that a worker works. */
export interface WorkerQueue {
  readonly name: string;
  /** Jobs that it holds, those included that wait in its hand. */
  readonly active: number;
  /** How many of them may run at once. */
  readonly concurrency: number;
}

const maxListed = 1_000;
/** So many jobs of each worker are counted at the most: it cannot hold many more. */
const maxCounted = 10_000;

/**
 * Lists the workers, those that have not ended first, then the newest: 1000 at the most. What has ended is forgotten after some
 * minutes, once its jobs have been taken from it.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listWorkers(db: Queryable): Promise<WorkerInfo[]> {
  // Worker by worker through the owner index.
  const held = sql`select queue from ${soniqJobs} where state = 'active' and worker_id = ${soniqWorkers}.id limit ${maxCounted}`;
  const counts = sql`select queue, count(*)::int as jobs from (${held}) as held group by queue`;
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
    .limit(maxListed)
    .catch(explainMissingTables);
  return rows.map(({ concurrency, active, leaseLeftMs, ...worker }) => ({
    ...worker,
    leaseLeftMs: Math.round(Number(leaseLeftMs)),
    queues: workedQueues(JSON.parse(concurrency) as Counts, JSON.parse(active) as Counts),
  }));
}

type Counts = Readonly<Record<string, number>>;

function workedQueues(concurrency: Counts, active: Counts): WorkerQueue[] {
  const held = new Map(Object.entries(active));
  return Object.entries(concurrency)
    .map(([name, max]) => ({ name, active: held.get(name) ?? 0, concurrency: max }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
