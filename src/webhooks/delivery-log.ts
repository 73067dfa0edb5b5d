import { and, desc, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import { NotFoundError, describeValue } from "../core/errors.js";
import { explainMissingTables } from "../core/missing-tables.js";
import { parseLimit, parseIdCursor, type PageOptions } from "../core/page.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom, epochMs, nullableDateFrom } from "../core/fragments.js";
import { fetchRows } from "../core/rows.js";
import { isParked } from "../jobs/control/park.js";
import type { JobError } from "../jobs/row/job.js";
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

/** Deliveries to an endpoint, newest first. */
export interface DeliveryPage {
  readonly deliveries: readonly Delivery[];
  /** Where the next page begins; undefined if this is the last one. */
  readonly next: string | undefined;
}

/**
 * Lists the deliveries to an endpoint, newest first, for as long as the workers' `retention` keeps their jobs: those to one
 * that was deleted, too.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param page `cursor`: the `next` of the page before; `limit`: from 1 to 1000, default 50
 * @throws NotFoundError before any SQL, for what cannot be an endpoint's id
 * @throws InvalidValueError before any SQL, for a cursor or limit that is none
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
    .where(and(isDeliveryTo(endpointId(endpoint)), sql`${soniqJobs.id} < ${parseIdCursor(page.cursor)}::bigint`))
    .orderBy(desc(soniqJobs.id))
    .limit(limit + 1)
    .catch(explainMissingTables);
  return {
    deliveries: rows.slice(0, limit).map(deliveryOf),
    next: rows.length > limit ? rows[limit - 1]?.id.toString() : undefined,
  };
}

type Row = Omit<Delivery, "messageId" | "event" | "nextAt" | "answer" | "failures"> & {
  readonly payload: string;
  readonly nextAt: number | null;
  readonly answer: string | null;
  readonly errors: string;
};

function deliveryOf({ payload, nextAt, answer, errors, ...row }: Row): Delivery {
  const { id: messageId, event } = JSON.parse(payload) as { id: string; event: string };
  return {
    ...row,
    messageId,
    event,
    nextAt: nextAt === null ? null : new Date(nextAt),
    answer: answer === null ? null : (JSON.parse(answer) as Delivery["answer"]),
    failures: (JSON.parse(errors) as JobError[]).map(failureOf),
  };
}

function failureOf({ attempt, at, message, details }: JobError): DeliveryFailure {
  return { attempt, at: new Date(at), message, ...details };
}

/**
 * Sends an event once more, as a delivery of its own with the same message id: a receiver that has it already can tell.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param id the delivery's
 * @returns the new delivery's id
 * @throws NotFoundError if there is no such delivery any more, or its endpoint is gone
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function resendDelivery(db: Queryable, id: number): Promise<{ readonly id: number }> {
  if (!Number.isSafeInteger(id)) throw noSuchDelivery(id);
  const original = sql`(select payload from ${soniqJobs} where id = ${id} and name = ${deliveryJob.name}) as original
    join ${endpoints} on ${endpoints.id}::text = original.payload ->> 'endpoint'`;
  const [sent] = await fetchRows<{ id: string | number }>(db, insertDeliveries(sql`original.payload`, original)).catch(
    explainMissingTables,
  );
  if (!sent) throw noSuchDelivery(id);
  return { id: Number(sent.id) };
}

function noSuchDelivery(id: unknown): NotFoundError {
  return new NotFoundError(`there is no delivery ${describeValue(id)}, or its endpoint is gone: publish the event anew`);
}
