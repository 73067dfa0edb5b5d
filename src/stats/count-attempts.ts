import { sql } from "drizzle-orm";
import { soniqStats } from "../../schema/stats.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/rows.js";

/** How many attempts ended in a minute. */
export interface MinuteCount {
  /** Its begin, in seconds since 1970. */
  readonly minute: number;
  readonly attempts: number;
}

/**
 * How many attempts ended in this minute and the one before, all queues together: not those that came to nothing, because the
 * job's name is unknown, its endpoint takes none now, or its worker stopped. Who asks again after a moment knows from the
 * difference how many ended meanwhile.
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
