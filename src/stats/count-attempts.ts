import { sql } from "drizzle-orm";
import { soniqStats } from "../../schema/stats.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/fetch-rows.js";

/** How many attempts ended in a minute. */
export interface MinuteCount {
  /** The start of the minute, in seconds since 1970. */
  readonly minute: number;
  readonly attempts: number;
}

/**
 * Counts the attempts that ended in the current minute and the previous one, over all queues. It skips attempts without an effect:
 * the job's name was unknown, its endpoint took no deliveries, or its worker stopped. The difference between two calls is the
 * number of attempts that ended in between.
 *
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function countAttempts(db: Queryable): Promise<MinuteCount[]> {
  return fetchRows<MinuteCount>(
    db,
    sql`select date_part('epoch', minute) as minute, sum(count)::float8 as attempts
      from ${soniqStats}
      where minute >= date_trunc('minute', now()) - interval '1 minute' and measure in ('completed', 'retried', 'snoozed', 'cancelled', 'dead')
      group by 1 order by 1`,
  ).catch(explainMissingTables);
}
