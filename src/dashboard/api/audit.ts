import * as v from "valibot";
import { listAudit } from "../../audit/list-audit.js";
import type { Api } from "../api.js";
import { page, parseQuery } from "../query.js";
import type { AuditView } from "../wire.js";

const pageQuery = v.strictObject(page);

export function addAuditRoutes(api: Api): void {
  api.addReadRoute("/audit", async (db, request) => {
    const { entries, next } = await listAudit(db, parseQuery(request, pageQuery));
    return {
      entries: entries.map(({ at, ...entry }) => ({ ...entry, at: at.toISOString() })),
      next: next ?? null,
    } satisfies AuditView;
  });
}
