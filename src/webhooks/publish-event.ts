import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { InvalidValueError } from "../core/errors.js";
import { toJson } from "../core/json.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { retryConflicts } from "../core/retry-conflicts.js";
import { fetchRows } from "../core/fetch-rows.js";
import type { EnqueueOptions } from "../jobs/enqueue/new-job.js";
import { mayRing, ring } from "../sessions/doorbell.js";
import { validate } from "../jobs/definition/validate.js";
import { checkEventDefinition, type EventDefinition } from "./define-event.js";
import { deliveryQueue } from "./delivery.js";
import { parseTenant } from "./endpoints.js";
import { isSubscribedTo, buildDeliveryPayload, buildDeliveryInsert } from "./insert-deliveries.js";

/** A published event. */
export interface PublishedEvent {
  /** The id of the message, which its receivers get as `webhook-id`. */
  readonly id: string;
  /** The ids of the delivery jobs: one for each endpoint that subscribes to the event. */
  readonly deliveries: readonly number[];
}

/** Options for the deliveries of an event. */
export type DeliveryOptions = Pick<EnqueueOptions, "expiresIn">;

/**
 * Publishes an event to the endpoints that subscribe to it: one statement enqueues a delivery job for each of them. In
 * a transaction, the deliveries exist if and only if it commits.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param payload the validator's input, sent unchanged
 * @param options `tenant`: the customer whose event it is. The event reaches the endpoints of that tenant and the
 *   endpoints for all tenants. Without a tenant, it reaches only endpoints for all tenants; `expiresIn`: how long a
 *   delivery may wait for its first attempt
 * @throws InvalidValueError before any SQL, if the payload or the tenant is not valid
 * @throws MigrationError if the tables are missing or older than this version
 */
export async function publishEvent<Name extends string, In, Out>(
  db: Queryable,
  event: EventDefinition<Name, In, Out>,
  payload: NoInfer<In>,
  { tenant: tenantOption, ...deliveryOptions }: { readonly tenant?: string | undefined } & DeliveryOptions = {},
): Promise<PublishedEvent> {
  checkEventDefinition(event, "event");
  const tenant = tenantOption === undefined ? null : parseTenant(tenantOption);
  const data = await serializePayload(event, payload);
  const id = `msg_${randomUUID()}`;
  const rows = await retryConflicts(db, (connection) =>
    fetchRows<{ id: string | number }>(
      connection,
      buildStatement({ event: event.name, id, data }, tenant, deliveryOptions, mayRing(deliveryQueue)),
    ),
  ).catch(explainMissingTables);
  return { id, deliveries: rows.map((row) => Number(row.id)) };
}

async function serializePayload<In>(event: EventDefinition<string, In>, payload: In): Promise<string> {
  try {
    const json = toJson(payload, "payload");
    await validate(event.payload, payload, "payload");
    return json;
  } catch (error) {
    throw error instanceof InvalidValueError ? error.of(`event ${event.name}`) : error;
  }
}

function buildStatement(
  { event, id, data }: { readonly event: string; readonly id: string; readonly data: string },
  tenant: string | null,
  options: DeliveryOptions,
  shouldRing: boolean,
) {
  const name = sql`${event}::text`;
  const message = buildDeliveryPayload({ event: name, id: sql`${id}::text`, data: sql`${data}::text::jsonb` });
  const isInAudience = sql`(${endpoints.tenant} is null or ${endpoints.tenant} = ${tenant}::text)`;
  const subscribers = sql`${endpoints} where ${isInAudience} and (${endpoints.events} = '[]' or ${isSubscribedTo(name)}) order by ${endpoints.id}`;
  return sql`with published as (${buildDeliveryInsert(message, subscribers, options)})
    select id, case when ${shouldRing} and run_at < 'infinity' then ${ring(deliveryQueue)} end as rung from published order by id`;
}
