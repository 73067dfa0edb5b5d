import type { Queryable } from "../../core/queryable.js";
import { listWorkers } from "../../sessions/list-workers.js";
import type { Api } from "../api.js";
import { isoOrNull } from "../iso.js";
import type { WorkerView } from "../wire.js";

export function workerRoutes(api: Api): void {
  api.read("/workers", views);
}

async function views(db: Queryable): Promise<WorkerView[]> {
  return (await listWorkers(db)).map(({ startedAt, beatAt, endedAt, leaseLeftMs, ...worker }) => ({
    ...worker,
    startedAt: startedAt.toISOString(),
    beatAt: beatAt.toISOString(),
    endedAt: isoOrNull(endedAt),
    // On PGlite there is no lease.
    leaseLeftMs: leaseLeftMs ?? 0,
  }));
}
