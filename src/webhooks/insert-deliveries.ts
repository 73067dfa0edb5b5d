import { type SQL, sql } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { insertJobs, type JobInput, typed } from "../jobs/row/job-columns.js";
import { checkOptions, type EnqueueOptions } from "../jobs/enqueue/new-job.js";
import { isShut } from "./breaker.js";
import { deliveryJob } from "./delivery.js";

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
 * Enqueues deliveries, parked where their endpoint takes none.
 *
 * @param from the endpoints that are sent to, one row each, with what else the payload is made of
 */
export function insertDeliveries(payload: SQL, from: SQL, options: EnqueueOptions = {}): SQL {
  const checked: Partial<Record<JobInput, unknown>> = { ...checkOptions(deliveryJob, options) };
  const own: Partial<Record<JobInput, SQL>> = {
    payload,
    runAtMs: sql`case when ${isShut} then float8 'infinity' end`,
  };
  const input = (name: JobInput) => own[name] ?? typed(name, checked[name] ?? null);
  return sql`${insertJobs(input, { rest: sql`from ${from}` })} returning id, run_at`;
}
