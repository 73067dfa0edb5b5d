import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { InvalidValueError } from "../core/errors.js";
import { toJson } from "../core/json.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { retryConflicts } from "../core/retry-conflicts.js";
import { fetchRows } from "../core/rows.js";
import type { EnqueueOptions } from "../jobs/enqueue/new-job.js";
import { mayRing, ring } from "../sessions/doorbell.js";
import { validate } from "../jobs/definition/validate.js";
import { checkEventDefinition, type EventDefinition } from "./define-event.js";
import { deliveryQueue } from "./delivery.js";
import { checkTenant } from "./endpoints.js";
import { asksFor, deliveryPayload, insertDeliveries } from "./insert-deliveries.js";

/** An event that was published. */
export interface PublishedEvent {
  /** The message's id, which its receivers get as `webhook-id`. */
  readonly id: string;
  /** The delivery jobs' ids: one for each endpoint that asks for the event. */
  readonly deliveries: readonly number[];
}

/** Options of the deliveries of an event. */
export type DeliveryOptions = Pick<EnqueueOptions, "expiresIn">;

/**
 * Publishes an event to the endpoints that ask for it: one delivery job each, in one statement. On a transaction, they exist
 * if and only if that transaction commits.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param payload the validator's input, sent as it is
 * @param options `tenant`: the customer whose event it is. It reaches the endpoints of that tenant, and those that were registered
 *   for all tenants. Without a tenant it reaches only the latter; `expiresIn`: how long a delivery may wait for its first attempt
 * @throws InvalidValueError before any SQL, if the payload or the tenant is not valid
 * @throws MigrationError if the tables are missing or older than this version
 */
export async function publishEvent<Name extends string, In, Out>(
  db: Queryable,
  event: EventDefinition<Name, In, Out>,
  payload: NoInfer<In>,
  { tenant: owner, ...deliveryOptions }: { readonly tenant?: string | undefined } & DeliveryOptions = {},
): Promise<PublishedEvent> {
  checkEventDefinition(event, "event");
  const tenant = owner === undefined ? null : checkTenant(owner);
  const data = await checked(event, payload);
  const id = `msg_${randomUUID()}`;
  const rows = await retryConflicts(db, (on) =>
    fetchRows<{ id: string | number }>(
      on,
      statement({ event: event.name, id, data }, tenant, deliveryOptions, mayRing(deliveryQueue)),
    ),
  ).catch(explainMissingTables);
  return { id, deliveries: rows.map((row) => Number(row.id)) };
}

async function checked<In>(event: EventDefinition<string, In>, payload: In): Promise<string> {
  try {
    const json = toJson(payload, "payload");
    await validate(event.payload, payload, "payload");
    return json;
  } catch (error) {
    throw error instanceof InvalidValueError ? error.of(`event ${event.name}`) : error;
  }
}

function statement(
  { event, id, data }: { readonly event: string; readonly id: string; readonly data: string },
  tenant: string | null,
  options: DeliveryOptions,
  rings: boolean,
) {
  const name = sql`${event}::text`;
  const message = deliveryPayload({ event: name, id: sql`${id}::text`, data: sql`${data}::text::jsonb` });
  const isFor = sql`(${endpoints.tenant} is null or ${endpoints.tenant} = ${tenant}::text)`;
  const asking = sql`${endpoints} where ${isFor} and (${endpoints.events} = '[]' or ${asksFor(name)}) order by ${endpoints.id}`;
  return sql`with published as (${insertDeliveries(message, asking, options)})
    select id, case when ${rings} and run_at < 'infinity' then ${ring(deliveryQueue)} end as rung from published order by id`;
}
