import { and, desc, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import { NotFoundError, describeValue } from "../core/errors.js";
import { explainMissingTables } from "../core/missing-tables.js";
import { parseLimit, parseIdCursor, type PageOptions } from "../core/page.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom, epochMs, nullableDateFrom } from "../core/fragments.js";
import { fetchRows } from "../core/fetch-rows.js";
import { isParked } from "../jobs/control/park.js";
import type { JobError } from "../jobs/row/job.js";
import { deliveryJob } from "./delivery.js";
import { parseEndpointId } from "./endpoints.js";
import { buildDeliveryInsert } from "./insert-deliveries.js";
import { isDeliveryTo } from "./parking.js";

/** The delivery of an event to an endpoint. */
export interface Delivery {
  /** The id of the delivery job. */
  readonly id: number;
  /** The id of the message, which the receiver gets as `webhook-id`. */
  readonly messageId: string;
  readonly event: string;
  /**
   * `parked`: waits until the endpoint accepts deliveries again. `completed`: the receiver accepted it. `dead`: there
   * are no more attempts.
   */
  readonly state: "queued" | "parked" | "active" | "completed" | "cancelled" | "dead";
  readonly attempt: number;
  /** The time of the next attempt; null unless `queued`. */
  readonly nextAt: Date | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  /** The answer of a receiver that accepted the delivery. */
  readonly answer: { readonly status: number; readonly durationMs: number; readonly excerpt: string } | null;
  /** The last ten failed attempts, oldest first. */
  readonly failures: readonly DeliveryFailure[];
  /** Why the delivery was cancelled or is dead. */
  readonly reason: string | null;
}

/** A failed attempt. */
export interface DeliveryFailure {
  readonly attempt: number;
  readonly at: Date;
  readonly message: string;
  /** The HTTP status, if the receiver answered. */
  readonly status?: number;
  readonly durationMs?: number;
  readonly excerpt?: string;
}

/** Deliveries to an endpoint, newest first. */
export interface DeliveryPage {
  readonly deliveries: readonly Delivery[];
  /** The cursor of the next page; undefined on the last page. */
  readonly next: string | undefined;
}

/**
 * Lists the deliveries to an endpoint, newest first, as long as the workers' `retention` keeps their jobs. A deleted
 * endpoint's deliveries are listed, too.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param page `cursor`: the `next` of the previous page; `limit`: from 1 to 1000, default 50
 * @throws NotFoundError before any SQL, if the text cannot be an endpoint's id
 * @throws InvalidValueError before any SQL, if the cursor or limit is invalid
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listDeliveries(db: Queryable, endpoint: string, page: PageOptions = {}): Promise<DeliveryPage> {
  const limit = parseLimit(page.limit);
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
      >`case when ${soniqJobs.state} = 'queued' and not ${isParked} then ${epochMs(soniqJobs.runAt)} end`,
      createdAt: dateFrom(soniqJobs.createdAt),
      finishedAt: nullableDateFrom(soniqJobs.finishedAt),
      answer: sql<string | null>`${soniqJobs.result}::text`,
      errors: sql<string>`${soniqJobs.errors}::text`,
      reason: soniqJobs.reason,
    })
    .from(soniqJobs)
    .where(and(isDeliveryTo(parseEndpointId(endpoint)), sql`${soniqJobs.id} < ${parseIdCursor(page.cursor)}::bigint`))
    .orderBy(desc(soniqJobs.id))
    .limit(limit + 1)
    .catch(explainMissingTables);
  return {
    deliveries: rows.slice(0, limit).map(toDelivery),
    next: rows.length > limit ? rows[limit - 1]?.id.toString() : undefined,
  };
}

type Row = Omit<Delivery, "messageId" | "event" | "nextAt" | "answer" | "failures"> & {
  readonly payload: string;
  readonly nextAt: number | null;
  readonly answer: string | null;
  readonly errors: string;
};

function toDelivery({ payload, nextAt, answer, errors, ...row }: Row): Delivery {
  const { id: messageId, event } = JSON.parse(payload) as { id: string; event: string };
  return {
    ...row,
    messageId,
    event,
    nextAt: nextAt === null ? null : new Date(nextAt),
    answer: answer === null ? null : (JSON.parse(answer) as Delivery["answer"]),
    failures: (JSON.parse(errors) as JobError[]).map(toFailure),
  };
}

function toFailure({ attempt, at, message, details }: JobError): DeliveryFailure {
  return { attempt, at: new Date(at), message, ...details };
}

/**
 * Sends an event again, in a new delivery with the same message id, so that the receiver can deduplicate it.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param id the id of the delivery
 * @returns the id of the new delivery
 * @throws NotFoundError if the delivery no longer exists, or its endpoint was deleted
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function resendDelivery(db: Queryable, id: number): Promise<{ readonly id: number }> {
  if (!Number.isSafeInteger(id)) throw createDeliveryNotFoundError(id);
  const original = sql`(select payload from ${soniqJobs} where id = ${id} and name = ${deliveryJob.name}) as original
    join ${endpoints} on ${endpoints.id}::text = original.payload ->> 'endpoint'`;
  const [delivery] = await fetchRows<{ id: string | number }>(
    db,
    buildDeliveryInsert(sql`original.payload`, original),
  ).catch(explainMissingTables);
  if (!delivery) throw createDeliveryNotFoundError(id);
  return { id: Number(delivery.id) };
}

function createDeliveryNotFoundError(id: unknown): NotFoundError {
  return new NotFoundError(
    `there is no delivery ${describeValue(id)}, or its endpoint was deleted: publish the event again`,
  );
}
