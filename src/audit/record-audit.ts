import { eq, sql } from "drizzle-orm";
import { soniqAudit } from "../../schema/audit.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { sanitizeText } from "../core/sanitize-text.js";
import { toFieldsJson } from "../jobs/row/log-line.js";

/** An action that a person took, or was refused. */
export interface NewAuditEntry {
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail: unknown;
  readonly outcome: string;
}

const maxTextChars = 1_000;
const maxDetailChars = 16_384;

/** Records an audit entry. In the action's transaction, both commit together. @returns the entry's id */
export async function recordAudit(
  db: Queryable,
  { actor, action, target, detail, outcome }: NewAuditEntry,
): Promise<number> {
  const [entry] = await builder(db)
    .insert(soniqAudit)
    .values({
      actor: sanitizeText(actor, maxTextChars),
      action,
      target: sanitizeText(target, maxTextChars),
      detail: sql`${toDetailJson(detail)}::text::jsonb`,
      outcome: sanitizeText(outcome, maxTextChars),
    })
    .returning({ id: soniqAudit.id });
  return (entry as { id: number }).id;
}

function toDetailJson(detail: unknown): string {
  if (detail === undefined) return "{}";
  const json = toFieldsJson(detail);
  if (json !== undefined && json.length <= maxDetailChars) return json;
  return JSON.stringify({ leftOut: json === undefined ? "it cannot be stored" : `it has ${json.length} characters` });
}

/** Records the outcome of an action that took long. */
export async function concludeAudit(db: Queryable, id: number, outcome: string): Promise<void> {
  await builder(db)
    .update(soniqAudit)
    .set({ outcome: sanitizeText(outcome, maxTextChars) })
    .where(eq(soniqAudit.id, id));
}
