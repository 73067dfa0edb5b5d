import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { InvalidValueError, checkObject } from "../core/errors.js";
import { toJson } from "../core/json.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { retryConflicts } from "../core/retry-conflicts.js";
import { rowsOf } from "../core/rows.js";
import { mayRing, ring } from "../jobs/doorbell.js";
import { validate } from "../jobs/validate.js";
import type { EventDefinition } from "./define-event.js";
import { deliveryQueue } from "./delivery.js";
import { asksFor, deliveryPayload, insertDeliveries } from "./insert-deliveries.js";

/** An event that was announced. */
export interface Announced {
  /** The message's id, which its receivers get as `webhook-id`. */
  readonly id: string;
  /** The delivery jobs' ids: one for each endpoint that asks for the event. */
  readonly deliveries: readonly number[];
}

/**
 * Announces an event to the endpoints that ask for it: one delivery job each, in one statement. On a transaction, they exist
 * if and only if that transaction commits.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param payload what the definition's validator takes, sent as it is
 * @throws InvalidValueError before any SQL, if the payload is not valid
 * @throws MigrationError if the tables are missing or older than this version
 */
export async function announce<Name extends string, In, Out>(
  db: Queryable,
  event: EventDefinition<Name, In, Out>,
  payload: NoInfer<In>,
): Promise<Announced> {
  checkObject(event, "event", "pass what `defineEvent` returned");
  const data = await checked(event, payload);
  const id = `msg_${randomUUID()}`;
  const rows = await retryConflicts(db, (on) =>
    rowsOf<{ id: string | number }>(on, statement(event.name, id, data, mayRing(deliveryQueue))),
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

function statement(event: string, id: string, data: string, rings: boolean) {
  const name = sql`${event}::text`;
  const message = deliveryPayload({ event: name, id: sql`${id}::text`, data: sql`${data}::text::jsonb` });
  const asking = sql`${endpoints} where ${endpoints.events} = '[]' or ${asksFor(name)} order by ${endpoints.id}`;
  return sql`with announced as (${insertDeliveries(message, asking)})
    select id, case when ${rings} and run_at < 'infinity' then ${ring(deliveryQueue)} end as rung from announced order by id`;
}
