import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { isShut } from "./breaker.js";
import { deliveryAttempts, deliveryJob, deliveryQueue } from "./delivery.js";

/** What is sent: each a text, but `data`, which is a jsonb. */
export interface Message {
  readonly event: SQL;
  readonly id: SQL;
  readonly data: SQL;
}

/** Whether an endpoint asks for an event by its name. */
export const asksFor = (event: SQL) => sql`${endpoints.events} @> pg_catalog.to_jsonb(${event})`;

/** The payload of a delivery. */
export function deliveryPayload({ event, id, data }: Message): SQL {
  // As JavaScript writes a time.
  const at = sql`to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  return sql`pg_catalog.jsonb_build_object('endpoint', ${endpoints.id}, 'event', ${event}, 'id', ${id}, 'at', ${at}, 'data', ${data})`;
}

/**
 * Enqueues deliveries, parked where their endpoint takes none. A builder's `insert … select` would have to list every column:
 * this one leaves the defaults to the table.
 *
 * @param from the endpoints that are sent to, one row each, with what else the payload is made of
 */
export function insertDeliveries(payload: SQL, from: SQL): SQL {
  return sql`insert into ${soniqJobs} (name, queue, max_attempts, payload, run_at)
    select ${deliveryJob.name}::text, ${deliveryQueue}, ${deliveryAttempts}::int, ${payload},
      case when ${isShut} then 'infinity' else clock_timestamp() end
    from ${from} returning id, run_at`;
}
