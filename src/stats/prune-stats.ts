import { sql } from "drizzle-orm";
import { soniqStats } from "../../schema/stats.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { statsKeptSeconds } from "./ranges.js";

/**
 * Deletes the oldest of the statistics that are past their retention: five minutes of them, by primary key.
 *
 * @returns whether there were any: call again while there are
 */
export async function pruneStats(db: Queryable): Promise<boolean> {
  const qb = builder(db);
  const oldest = qb.select({ minute: sql`min(${soniqStats.minute})` }).from(soniqStats);
  const gone = qb.$with("gone").as(
    qb
      .delete(soniqStats)
      .where(
        sql`${soniqStats.minute} < least(now() - ${statsKeptSeconds}::int * interval '1 second', (${oldest}) + interval '5 minutes')`,
      )
      .returning({ minute: soniqStats.minute }),
  );
  const found = await qb.with(gone).select({ minute: gone.minute }).from(gone).limit(1);
  return found.length > 0;
}
