import { sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqAudit } from "../../schema/audit.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** Long enough to find out who it was. */
const keptFor = sql.raw("interval '90 days'");
const batch = 1_000;

/** Deletes the oldest entries, a batch at the most, if their time is over. @returns how many are gone */
export async function pruneAudit(db: Queryable): Promise<number> {
  const oldest = new QueryBuilder()
    .select({ id: soniqAudit.id, at: soniqAudit.at })
    .from(soniqAudit)
    .orderBy(soniqAudit.id)
    .limit(batch)
    .as("oldest");
  const old = new QueryBuilder()
    .select({ id: oldest.id })
    .from(oldest)
    .where(sql`${oldest.at} < now() - ${keptFor}`);
  const gone = await builder(db)
    .delete(soniqAudit)
    .where(sql`${soniqAudit.id} = any (array(${old}))`)
    .returning({ id: soniqAudit.id });
  return gone.length;
}
