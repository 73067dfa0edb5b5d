import * as v from "valibot";
import { listAudit } from "../../audit/list-audit.js";
import type { Api } from "../api.js";
import { page, queryOf } from "../query.js";
import type { AuditView } from "../wire.js";

const pageQuery = v.strictObject(page);

export function auditRoutes(api: Api): void {
  api.read("/audit", async (db, request) => {
    const { entries, next } = await listAudit(db, queryOf(request, pageQuery));
    return {
      entries: entries.map(({ at, ...entry }) => ({ ...entry, at: at.toISOString() })),
      next: next ?? null,
    } satisfies AuditView;
  });
}
