import { and, count, gt, isNull, sql } from "drizzle-orm";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";

/** Counts the live worker sessions. */
export async function countLiveWorkers(db: Queryable): Promise<number> {
  const [live] = await builder(db)
    .select({ count: count() })
    .from(soniqWorkers)
    .where(and(isNull(soniqWorkers.endedAt), gt(soniqWorkers.leaseExpiresAt, sql`now()`)))
    .catch(explainMissingTables);
  return live?.count ?? 0;
}
