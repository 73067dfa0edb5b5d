import { sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqAudit } from "../../schema/audit.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** Long enough to investigate who did something. */
const retention = sql.raw("interval '90 days'");
const maxBatchEntries = 1_000;

/** Deletes the oldest entries past their retention, at most one batch. @returns the number of deleted entries */
export async function pruneAudit(db: Queryable): Promise<number> {
  const oldest = new QueryBuilder()
    .select({ id: soniqAudit.id, at: soniqAudit.at })
    .from(soniqAudit)
    .orderBy(soniqAudit.id)
    .limit(maxBatchEntries)
    .as("oldest");
  const expired = new QueryBuilder()
    .select({ id: oldest.id })
    .from(oldest)
    .where(sql`${oldest.at} < now() - ${retention}`);
  const deleted = await builder(db)
    .delete(soniqAudit)
    .where(sql`${soniqAudit.id} = any (array(${expired}))`)
    .returning({ id: soniqAudit.id });
  return deleted.length;
}
