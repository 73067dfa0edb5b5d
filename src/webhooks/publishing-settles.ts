import { and, isNull, or, type SQL, sql } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { createSettleStrategy } from "../jobs/settle/settle.js";
import { isSubscribedTo, buildDeliveryPayload, buildDeliveryInsert } from "./insert-deliveries.js";
import { jobEvents, jobRetried } from "./job-events.js";

/** Jobs have no tenant: only endpoints for all tenants get their events, even if plain SQL subscribed others. */
const isForAllTenants = isNull(endpoints.tenant);

/** Whether any endpoint subscribes to events of jobs. It must name them: `"all"` excludes them. */
export async function hasJobSubscribers(db: Queryable): Promise<boolean> {
  const [row] = await builder(db)
    .select({ id: endpoints.id })
    .from(endpoints)
    .where(and(isForAllTenants, or(...jobEvents.map(({ name }) => isSubscribedTo(sql`${name}::text`)))))
    .limit(1);
  return row !== undefined;
}

/**
 * Settles that publish the jobs' events in the same statement: an event is published if and only if the job is settled.
 * They do not ring the doorbell, because NOTIFY would serialize the settles' commits. Idle workers find the deliveries
 * by polling.
 */
export const publishingSettles = createSettleStrategy(buildEventInsert());

function buildEventInsert(): SQL {
  const event = sql`case when state = 'queued' and error is not null then ${jobRetried.name} when state <> 'queued' then 'job.' || state end`;
  const jobData = sql`pg_catalog.jsonb_build_object('id', settled.id, 'name', settled.name, 'queue', queue, 'attempt', attempt, 'maxAttempts', max_attempts,
    'reason', reason, 'error', error ->> 'message')`;
  return buildDeliveryInsert(
    // A claim ends only once, and its worker and token are never reused. A job's id may be reused, after a failover
    // that loses commits.
    buildDeliveryPayload({
      event: sql`event`,
      id: sql`pg_catalog.concat_ws('_', 'msg_job', settled.id, last_worker_id, claim_token)`,
      data: jobData,
    }),
    // Deliveries publish no events. Otherwise, each delivery would cause more deliveries, without end.
    sql`(select *, ${event} as event from settled where name <> 'soniq.webhook') as settled join ${endpoints} on ${isForAllTenants} and ${isSubscribedTo(sql`event`)}`,
  );
}
