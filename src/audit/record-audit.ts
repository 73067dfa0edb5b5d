import { eq, sql } from "drizzle-orm";
import { soniqAudit } from "../../schema/audit.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { sanitizeText } from "../core/storable.js";
import { fieldsJson } from "../jobs/row/log-line.js";

/** What somebody did, or was refused. */
export interface AuditEntry {
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail: unknown;
  readonly outcome: string;
}

const max = 1_000;
const maxDetailLength = 16_384;

/** Writes a deed down; on a transaction, together with what was done. @returns the entry's id */
export async function recordAudit(
  db: Queryable,
  { actor, action, target, detail, outcome }: AuditEntry,
): Promise<number> {
  const [entry] = await builder(db)
    .insert(soniqAudit)
    .values({
      actor: sanitizeText(actor, max),
      action,
      target: sanitizeText(target, max),
      detail: sql`${detailJson(detail)}::text::jsonb`,
      outcome: sanitizeText(outcome, max),
    })
    .returning({ id: soniqAudit.id });
  return (entry as { id: number }).id;
}

function detailJson(detail: unknown): string {
  if (detail === undefined) return "{}";
  const json = fieldsJson(detail);
  if (json !== undefined && json.length <= maxDetailLength) return json;
  return JSON.stringify({ leftOut: json === undefined ? "it cannot be stored" : `it has ${json.length} characters` });
}

/** Says what became of a deed that took its time. */
export async function concludeAudit(db: Queryable, id: number, outcome: string): Promise<void> {
  await builder(db)
    .update(soniqAudit)
    .set({ outcome: sanitizeText(outcome, max) })
    .where(eq(soniqAudit.id, id));
}
