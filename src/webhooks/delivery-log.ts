import { and, desc, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import { InvalidValueError, shown } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { rowsOf } from "../core/rows.js";
import { isParked } from "../jobs/park.js";
import type { ErrorRecord } from "../jobs/error-record.js";
import { deliveryJob } from "./delivery.js";
import { endpointId } from "./endpoints.js";
import { insertDeliveries } from "./insert-deliveries.js";
import { isDeliveryTo } from "./parking.js";

/** One event on its way to one endpoint. */
export interface Delivery {
  /** The delivery job's. */
  readonly id: number;
  /** The message's, which the receiver gets as `webhook-id`. */
  readonly messageId: string;
  readonly event: string;
  /** `parked`: until its endpoint takes deliveries again. `completed`: the receiver has it. `dead`: it is tried no more. */
  readonly state: "queued" | "parked" | "active" | "completed" | "cancelled" | "dead";
  readonly attempt: number;
  /** When it is tried next; null when it is not. */
  readonly nextAt: Date | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  /** What the receiver answered when it took it. */
  readonly answer: { readonly status: number; readonly durationMs: number; readonly excerpt: string } | null;
  /** The attempts before, the last ten of them, oldest first. */
  readonly failures: readonly DeliveryFailure[];
  /** Why it was cancelled or is dead. */
  readonly reason: string | null;
}

/** An attempt that failed. */
export interface DeliveryFailure {
  readonly attempt: number;
  readonly at: Date;
  readonly message: string;
  /** What was answered, if anything was. */
  readonly status?: number;
  readonly durationMs?: number;
  readonly excerpt?: string;
}

const largestPage = 1_000;

/**
 * The deliveries to an endpoint, newest first, for as long as the workers' `retention` keeps their jobs.
 *
 * @param options `before`: the id of the last one of the page before; `limit`: from 1 to 1000, by default 50
 */
export async function listDeliveries(
  db: Queryable,
  endpoint: string,
  { before, limit = 50 }: { readonly before?: number; readonly limit?: number } = {},
): Promise<Delivery[]> {
  if (!Number.isInteger(limit) || limit < 1 || limit > largestPage)
    throw new InvalidValueError("limit", `is ${shown(limit)}: give a whole number from 1 to ${largestPage}`);
  const rows = await builder(db)
    .select({
      id: soniqJobs.id,
      payload: sql<string>`(${soniqJobs.payload} - 'data')::text`,
      state: sql<
        Delivery["state"]
      >`case when ${soniqJobs.state} = 'queued' and ${isParked} then 'parked' else ${soniqJobs.state} end`,
      attempt: soniqJobs.attempt,
      nextAt: sql<
        number | null
      >`case when ${soniqJobs.state} = 'queued' and not ${isParked} then ${milliseconds(soniqJobs.runAt)} end`,
      createdAt: soniqJobs.createdAt,
      finishedAt: soniqJobs.finishedAt,
      answer: sql<string | null>`${soniqJobs.result}::text`,
      errors: sql<string>`${soniqJobs.errors}::text`,
      reason: soniqJobs.reason,
    })
    .from(soniqJobs)
    .where(
      and(
        isDeliveryTo(endpointId(endpoint)),
        before === undefined ? undefined : sql`${soniqJobs.id} < ${before}::bigint`,
      ),
    )
    .orderBy(desc(soniqJobs.id))
    .limit(limit);
  return rows.map(({ payload, nextAt, answer, errors, ...row }) => {
    const { id: messageId, event } = JSON.parse(payload) as { id: string; event: string };
    return {
      ...row,
      messageId,
      event,
      nextAt: nextAt === null ? null : new Date(nextAt),
      answer: answer === null ? null : (JSON.parse(answer) as Delivery["answer"]),
      failures: (JSON.parse(errors) as (ErrorRecord & { at: string })[]).map(failureOf),
    };
  });
}

function milliseconds(time: typeof soniqJobs.runAt) {
  return sql`(extract(epoch from ${time}) * 1000)::float8`;
}

function failureOf({ attempt, at, message, details }: ErrorRecord & { readonly at: string }): DeliveryFailure {
  return { attempt, at: new Date(at), message, ...details };
}

/**
 * Sends an event once more, as a delivery of its own with the same message id: a receiver that has it already can tell.
 *
 * @param id the delivery's
 * @returns the new delivery's id
 * @throws InvalidValueError if there is no such delivery any more, or its endpoint is gone
 */
export async function resendDelivery(db: Queryable, id: number): Promise<number> {
  const original = sql`(select payload from ${soniqJobs} where id = ${id} and name = ${deliveryJob.name}) as original
    join ${endpoints} on ${endpoints.id}::text = original.payload ->> 'endpoint'`;
  const [sent] = await rowsOf<{ id: string | number }>(db, insertDeliveries(sql`original.payload`, original));
  if (!sent)
    throw new InvalidValueError("delivery", `is ${shown(id)}, and there is none of that id, or its endpoint is gone`);
  return Number(sent.id);
}
