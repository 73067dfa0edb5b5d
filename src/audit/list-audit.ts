import { desc, lt, sql } from "drizzle-orm";
import { soniqAudit } from "../../schema/audit.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import { parseLimit, parseIdCursor, type PageOptions } from "../core/page.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom } from "../core/fragments.js";

/** An action of a person in the dashboard. */
interface AuditEntry {
  readonly id: number;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly outcome: string;
}

interface AuditPage {
  /** Newest first. */
  readonly entries: readonly AuditEntry[];
  /** The cursor of the next page; undefined on the last page. */
  readonly next: string | undefined;
}

/**
 * Lists the actions in the dashboard, newest first.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws InvalidValueError before any SQL, if the cursor or limit is invalid
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listAudit(db: Queryable, page: PageOptions = {}): Promise<AuditPage> {
  const limit = parseLimit(page.limit);
  const rows = await builder(db)
    .select({
      id: soniqAudit.id,
      at: dateFrom(soniqAudit.at),
      actor: soniqAudit.actor,
      action: soniqAudit.action,
      target: sql<string>`coalesce(${soniqAudit.target}, '')`,
      outcome: soniqAudit.outcome,
    })
    .from(soniqAudit)
    .where(lt(soniqAudit.id, parseIdCursor(page.cursor)))
    .orderBy(desc(soniqAudit.id))
    .limit(limit + 1)
    .catch(explainMissingTables);
  const entries = rows.slice(0, limit);
  return { entries, next: rows.length > limit ? String(entries.at(-1)?.id) : undefined };
}
