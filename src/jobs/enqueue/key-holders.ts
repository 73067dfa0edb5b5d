import { and, desc, gte, lte, not, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import { prepareStatement } from "../../core/prepare-statement.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/rows.js";
import { holdsKey, isOver } from "../row/unique-key.js";

/**
 * The job that holds a key, unless that is over.
 *
 * Read from the end of the key's entries, where the newest is: those before, which nothing can remove while a snapshot is
 * held open, are not walked. An equation would begin with the oldest.
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
    .where(and(gte(uniqueKey, key), lte(uniqueKey, key), holdsKey, not(isOver)))
    .orderBy(desc(uniqueKey))
    .limit(1);
});
