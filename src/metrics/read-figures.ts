import { sql } from "drizzle-orm";
import { isLive } from "../core/fragments.js";
import { soniqWorkers } from "../../schema/workers.js";
import { applicationName } from "../database/client.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/fetch-rows.js";
import { listQueues, type QueueInfo } from "../queues/list-queues.js";

/** The figures of the database for the gauges. */
export interface Figures extends ServerFigures {
  readonly queues: readonly QueueInfo[];
}

interface ServerFigures {
  /** Live sessions. */
  readonly workers: number;
  /** Of all workers and commands. */
  readonly connections: number;
  /** The number of transactions since the oldest open snapshot: vacuum cannot remove rows that died since then. */
  readonly snapshotAge: number;
  /** Dead rows of the job table, by autovacuum's statistics. */
  readonly deadRows: number;
}

/** @throws the driver's error if the database does not answer */
export async function readFigures(db: Queryable): Promise<Figures> {
  const [queues, [server]] = await Promise.all([
    listQueues(db),
    fetchRows<ServerFigures>(
      db,
      sql`select
        (select count(*)::int from ${soniqWorkers} where ${isLive}) as workers,
        (select count(*)::int from pg_stat_activity where datname = current_database() and application_name = ${applicationName}) as connections,
        (select coalesce(max(age(backend_xmin)), 0)::int from pg_stat_activity where datname = current_database()) as "snapshotAge",
        coalesce((select n_dead_tup::float8 from pg_stat_all_tables where relid = to_regclass('soniq_jobs')), 0) as "deadRows"`,
    ),
  ]);
  return { queues, ...(server as ServerFigures) };
}
