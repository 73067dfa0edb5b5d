import { sql } from "drizzle-orm";
import { soniqStats } from "../../schema/stats.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { statsRetentionSeconds } from "./ranges.js";

/**
 * Deletes five minutes of the oldest statistics that are past their retention, by primary key.
 *
 * @returns whether it deleted any: if so, call again
 */
export async function pruneStats(db: Queryable): Promise<boolean> {
  const qb = builder(db);
  const oldest = qb.select({ minute: sql`min(${soniqStats.minute})` }).from(soniqStats);
  const deleted = qb.$with("deleted").as(
    qb
      .delete(soniqStats)
      .where(
        sql`${soniqStats.minute} < least(now() - ${statsRetentionSeconds}::int * interval '1 second', (${oldest}) + interval '5 minutes')`,
      )
      .returning({ minute: soniqStats.minute }),
  );
  const rows = await qb.with(deleted).select({ minute: deleted.minute }).from(deleted).limit(1);
  return rows.length > 0;
}
