import { eq } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { cancelQueued } from "../jobs/control/cancel-job.js";
import { parseEndpointId, createEndpointNotFoundError } from "./endpoints.js";
import { findQueuedPage } from "./parking.js";

/**
 * Deletes an endpoint and cancels its waiting deliveries, at most 500 per statement. If this is interrupted, workers
 * cancel the remaining deliveries when they claim them.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws NotFoundError if the endpoint does not exist
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function deleteEndpoint(db: Queryable, id: string): Promise<void> {
  const endpoint = parseEndpointId(id);
  const deleted = await builder(db)
    .delete(endpoints)
    .where(eq(endpoints.id, endpoint))
    .returning({ id: endpoints.id })
    .catch(explainMissingTables);
  if (deleted.length === 0) throw createEndpointNotFoundError(id);
  let cancelledJobs = 0;
  let refusal: { readonly error: unknown } | undefined;
  for (let after: number | undefined = 0; after !== undefined;) {
    const { ids, next } = await findQueuedPage(db, endpoint, after);
    const cancelledIds = await cancelQueued(db, ids, "its endpoint was deleted", (_, error) => (refusal = { error }));
    cancelledJobs += cancelledIds.length;
    after = next;
  }
  // If PostgreSQL refuses only some rows, workers cancel those deliveries when they claim them.
  if (refusal && cancelledJobs === 0) throw refusal.error;
}
