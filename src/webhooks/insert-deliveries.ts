import { type SQL, sql } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { buildJobInsert, type JobInput, castInput } from "../jobs/row/job-columns.js";
import { parseOptions, type EnqueueOptions } from "../jobs/enqueue/new-job.js";
import { isBlocked } from "./breaker.js";
import { deliveryJob } from "./delivery.js";

/** SQL expressions for a message: `event` and `id` are text, `data` is jsonb. */
export interface Message {
  readonly event: SQL;
  readonly id: SQL;
  readonly data: SQL;
}

/** Whether an endpoint subscribes to an event by name. */
export const isSubscribedTo = (event: SQL) => sql`${endpoints.events} @> pg_catalog.to_jsonb(${event})`;

export function buildDeliveryPayload({ event, id, data }: Message): SQL {
  // The format of JavaScript's `toISOString`.
  const at = sql`to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  return sql`pg_catalog.jsonb_build_object('endpoint', ${endpoints.id}, 'event', ${event}, 'id', ${id}, 'at', ${at}, 'data', ${data})`;
}

/**
 * Builds the insert of deliveries. A delivery to a blocked endpoint starts parked.
 *
 * @param from one row per endpoint to send to, with the columns that the payload reads
 */
export function buildDeliveryInsert(payload: SQL, from: SQL, options: EnqueueOptions = {}): SQL {
  const optionValues: Partial<Record<JobInput, unknown>> = { ...parseOptions(deliveryJob, options) };
  const overrides: Partial<Record<JobInput, SQL>> = {
    payload,
    runAtMs: sql`case when ${isBlocked} then float8 'infinity' end`,
  };
  const toInput = (name: JobInput) => overrides[name] ?? castInput(name, optionValues[name] ?? null);
  return sql`${buildJobInsert(toInput, { rest: sql`from ${from}` })} returning id, run_at`;
}
