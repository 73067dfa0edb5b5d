import { and, isNull, or, type SQL, sql } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { settles } from "../jobs/settle/settle.js";
import { asksFor, deliveryPayload, insertDeliveries } from "./insert-deliveries.js";
import { jobEvents, jobRetried } from "./job-events.js";

/** Jobs have no tenant: only endpoints for all tenants get their events, whatever was written into the table. */
const isForJobs = isNull(endpoints.tenant);

/** Whether an endpoint asks for the events of jobs: for that it must name them. */
export async function hasJobSubscribers(db: Queryable): Promise<boolean> {
  const [found] = await builder(db)
    .select({ id: endpoints.id })
    .from(endpoints)
    .where(and(isForJobs, or(...jobEvents.map(({ name }) => asksFor(sql`${name}::text`)))))
    .limit(1);
  return found !== undefined;
}

/**
 * Settles that publish what has become of the jobs, in the same statement: an event is told if and only if it is so.
 * No bell is rung, or settles would take turns at it: an idle worker finds the deliveries by polling.
 */
export const publishingSettles = settles(announcement());

function announcement(): SQL {
  const event = sql`case when state = 'queued' and error is not null then ${jobRetried.name} when state <> 'queued' then 'job.' || state end`;
  const told = sql`pg_catalog.jsonb_build_object('id', settled.id, 'name', settled.name, 'queue', queue, 'attempt', attempt, 'maxAttempts', max_attempts,
    'reason', reason, 'error', error ->> 'message')`;
  return insertDeliveries(
    // A claim ends once, and is never named a second time. A job's id may be, by a failover that loses commits.
    deliveryPayload({
      event: sql`event`,
      id: sql`pg_catalog.concat_ws('_', 'msg_job', settled.id, last_worker_id, claim_token)`,
      data: told,
    }),
    // Of deliveries nothing is told, or there would be no end to it.
    sql`(select *, ${event} as event from settled where name <> 'soniq.webhook') as settled join ${endpoints} on ${isForJobs} and ${asksFor(sql`event`)}`,
  );
}
