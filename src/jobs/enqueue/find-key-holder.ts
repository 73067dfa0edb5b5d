import { and, desc, gte, lte, not, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import { prepareStatement } from "../../core/prepare-statement.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/fetch-rows.js";
import { holdsKey, canBeTakenOver } from "../row/unique-key.js";

/**
 * Finds the job that holds a key, unless the key can be taken over.
 *
 * Reads the index entries of the key from the end, where the newest is. It does not walk the dead entries before, which vacuum
 * cannot remove while a snapshot is open. With an equality condition, PostgreSQL would start at the oldest entry.
 */
export async function findKeyHolder(db: Queryable, key: string): Promise<number | undefined> {
  const [holder] = await fetchRows<{ id: string | number }>(db, statement(db, { key }));
  return holder && Number(holder.id);
}

const statement = prepareStatement<{ key: string }>((db) => {
  const { id, uniqueKey } = soniqJobs;
  const key = sql.placeholder("key");
  return builder(db)
    .select({ id })
    .from(soniqJobs)
    .where(and(gte(uniqueKey, key), lte(uniqueKey, key), holdsKey, not(canBeTakenOver)))
    .orderBy(desc(uniqueKey))
    .limit(1);
});
