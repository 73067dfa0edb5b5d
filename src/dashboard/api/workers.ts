import type { Queryable } from "../../core/queryable.js";
import { listWorkers } from "../../sessions/list-workers.js";
import type { Api } from "../api.js";
import { toIsoOrNull } from "../iso.js";
import type { WorkerView } from "../wire.js";

export function addWorkerRoute(api: Api): void {
  api.addReadRoute("/workers", listViews);
}

async function listViews(db: Queryable): Promise<WorkerView[]> {
  return (await listWorkers(db)).map(({ startedAt, beatAt, endedAt, leaseLeftMs, ...worker }) => ({
    ...worker,
    startedAt: startedAt.toISOString(),
    beatAt: beatAt.toISOString(),
    endedAt: toIsoOrNull(endedAt),
    // On PGlite there is no lease.
    leaseLeftMs: leaseLeftMs ?? 0,
  }));
}
