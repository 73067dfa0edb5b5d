import { sql } from "drizzle-orm";
import { soniqStats } from "../../schema/stats.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/fetch-rows.js";

/** The throughput of a queue. */
export interface Rate {
  readonly queue: string;
  /** Completed jobs per minute, over the last five minutes. */
  readonly perMinute: number;
}

/**
 * Reads the throughput of the queues from the statistics of the last five minutes, including the current one.
 *
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function readRates(db: Queryable): Promise<Rate[]> {
  const since = sql`date_trunc('minute', now()) - interval '4 minutes'`;
  return fetchRows<Rate>(
    db,
    sql`select queue, sum(count)::float8 * 60 / date_part('epoch', now() - (${since})) as "perMinute"
      from ${soniqStats} where minute >= ${since} and measure = 'completed' group by queue order by queue`,
  ).catch(explainMissingTables);
}
