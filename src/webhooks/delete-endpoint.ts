import { eq } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { cancelQueued } from "../jobs/control/cancel.js";
import { endpointId, noSuchEndpoint } from "./endpoints.js";
import { pageOfQueued } from "./parking.js";

/**
 * Deletes an endpoint, and cancels its deliveries that wait, a few thousand per statement. Should that be cut short, the rest
 * is cancelled as it is met.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws NotFoundError if there is no such endpoint
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function deleteEndpoint(db: Queryable, id: string): Promise<void> {
  const endpoint = endpointId(id);
  const deleted = await builder(db)
    .delete(endpoints)
    .where(eq(endpoints.id, endpoint))
    .returning({ id: endpoints.id })
    .catch(explainMissingTables);
  if (deleted.length === 0) throw noSuchEndpoint(id);
  let cancelled = 0;
  let refusal: { readonly error: unknown } | undefined;
  for (let after: number | undefined = 0; after !== undefined;) {
    const { ids, next } = await pageOfQueued(db, endpoint, after);
    const done = await cancelQueued(db, ids, "its endpoint was deleted", (_, error) => (refusal = { error }));
    cancelled += done.length;
    after = next;
  }
  // A single one that PostgreSQL refuses to change is cancelled as it is met.
  if (refusal && cancelled === 0) throw refusal.error;
}
