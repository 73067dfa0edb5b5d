import { and, eq, gte, isNotNull, isNull, lte, not, or, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { unpark, isParked, park, type RefusalHandler } from "../jobs/control/park.js";
import { isTripped, isBlocked } from "./breaker.js";
import { deliveryQueue } from "./delivery.js";

/** The maximum number of deliveries that one statement scans. */
const maxPageJobs = 500;
/** The maximum number of deliveries to try until one is unparked as a probe. */
const maxProbeTries = 10;
/**
 * While this many deliveries are due, no parked ones are unparked: deliveries to other endpoints would have to wait behind
 * them.
 */
const busyThresholdJobs = 500;

/** An endpoint whose deliveries are to be parked or unparked. */
export interface ParkingEndpoint {
  readonly id: string;
  /**
   * `blocked`: its deliveries are parked. `half-open`: one delivery may probe it. `unparking`: it accepts deliveries
   * again, but some may still be parked.
   */
  readonly status: "blocked" | "half-open" | "unparking";
}

/**
 * Finds the endpoints whose deliveries are to be parked or unparked. Most endpoints work normally and are not among them.
 */
export function findParkingEndpoints(db: Queryable): Promise<ParkingEndpoint[]> {
  return builder(db)
    .select({
      id: endpoints.id,
      status: sql<
        ParkingEndpoint["status"]
      >`case when ${isBlocked} then 'blocked' when ${isTripped} then 'half-open' else 'unparking' end`,
    })
    .from(endpoints)
    .where(or(isNotNull(endpoints.pausedAt), isNotNull(endpoints.openUntil)));
}

/** A page of an endpoint's deliveries, ordered by id. */
interface QueuedPage {
  /** The ids of the deliveries that match the condition. */
  readonly ids: readonly number[];
  /** The position of the next page; undefined after the last page. */
  readonly next: number | undefined;
}

/**
 * Scans one page of an endpoint's deliveries for queued ones. The page counts deliveries of any state, so one statement
 * never scans more than a page.
 */
export async function findQueuedPage(
  db: Queryable,
  endpoint: string,
  after: number,
  condition?: SQL,
): Promise<QueuedPage> {
  const page = new QueryBuilder()
    .select({
      id: soniqJobs.id,
      isMatch: sql<boolean>`${and(sql`${soniqJobs.state} = 'queued'`, condition)}`.as("is_match"),
    })
    .from(soniqJobs)
    .where(and(isDeliveryTo(endpoint), sql`${soniqJobs.id} > ${after}::bigint`))
    .orderBy(soniqJobs.id)
    .limit(maxPageJobs)
    .as("page");
  const [row] = await builder(db)
    .select({
      ids: sql<string>`coalesce(pg_catalog.jsonb_agg(${page.id}) filter (where ${page.isMatch}), '[]')::text`,
      last: sql<string | null>`max(${page.id})::text`,
      size: sql<number>`count(*)::int`,
    })
    .from(page);
  const { ids, last, size } = row as { ids: string; last: string | null; size: number };
  return { ids: JSON.parse(ids) as number[], next: size < maxPageJobs ? undefined : Number(last) };
}

/** Repeats the predicate of the index `soniq_jobs_delivery` word for word, so that PostgreSQL uses the index. */
export function isDeliveryTo(endpoint: string): SQL {
  return sql`name = 'soniq.webhook' and (payload ->> 'endpoint') = ${endpoint}`;
}

/**
 * Parks the due deliveries on the next page, if the endpoint is still blocked. Deliveries in backoff are not parked:
 * they are few, since each has been attempted before, and they park themselves when they are due.
 *
 * @returns the position of the page after it
 */
export async function parkPage(
  db: Queryable,
  endpoint: string,
  after: number,
  onRefused: RefusalHandler,
): Promise<number | undefined> {
  const isStillBlocked = sql`exists (select 1 from ${endpoints} where ${and(eq(endpoints.id, endpoint), isBlocked)})`;
  const { ids, next } = await findQueuedPage(
    db,
    endpoint,
    after,
    and(lte(soniqJobs.runAt, sql`now()`), isStillBlocked),
  );
  await park(db, ids, onRefused);
  return next;
}

/**
 * Unparks the deliveries on the next page.
 *
 * @returns the position of the page after it, and the number of unparked deliveries
 */
export async function unparkPage(
  db: Queryable,
  endpoint: string,
  after: number,
  onRefused: RefusalHandler,
): Promise<{ readonly next: number | undefined; readonly unparked: number }> {
  const { ids, next } = await findQueuedPage(db, endpoint, after, isParked);
  const unparked = await unpark(db, ids, onRefused);
  return { next, unparked: unparked.length };
}

/**
 * Unparks one delivery as a probe. Tries the newest first, since the most recent deliveries are the most likely to be
 * parked.
 */
export async function unparkProbe(db: Queryable, endpoint: string, onRefused: RefusalHandler): Promise<void> {
  let before = Number.MAX_SAFE_INTEGER;
  // PostgreSQL may refuse to change a row, or another transaction may have locked it. Then the next delivery is tried.
  for (let tries = 0; tries < maxProbeTries; tries += 1) {
    const [newest] = await builder(db)
      .select({ id: soniqJobs.id })
      .from(soniqJobs)
      .where(
        and(
          isDeliveryTo(endpoint),
          sql`${soniqJobs.id} < ${before}::bigint`,
          sql`${soniqJobs.state} = 'queued'`,
          isParked,
        ),
      )
      .orderBy(sql`${soniqJobs.id} desc`)
      .limit(1);
    if (!newest || (await unpark(db, [newest.id], onRefused)).length > 0) return;
    before = newest.id;
  }
}

/** Clears `openUntil` after all parked deliveries have been unparked: the endpoint works normally from now on. */
export async function finishUnparking(db: Queryable, endpoint: string): Promise<void> {
  await builder(db)
    .update(endpoints)
    .set({ openUntil: null })
    .where(
      and(eq(endpoints.id, endpoint), isNull(endpoints.pausedAt), not(isTripped), lte(endpoints.openUntil, sql`now()`)),
    );
}

/**
 * Whether enough deliveries are due that no others should be unparked. Counts only the last hour: few deliveries are due
 * for longer, and that part of the index consists mostly of dead entries.
 */
export async function isBusy(db: Queryable): Promise<boolean> {
  const due = await builder(db)
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(
      and(...isDeliveryQueued, gte(soniqJobs.runAt, sql`now() - interval '1 hour'`), lte(soniqJobs.runAt, sql`now()`)),
    )
    .orderBy(soniqJobs.runAt)
    .offset(busyThresholdJobs - 1)
    .limit(1);
  return due.length > 0;
}

/** The columns of the claim index; deliveries have the default priority. */
const isDeliveryQueued = [
  sql`${soniqJobs.state} = 'queued'`,
  eq(soniqJobs.queue, deliveryQueue),
  sql`${soniqJobs.priority} = 5`,
];

/**
 * Unparks orphaned deliveries on one page of all parked deliveries: their endpoint accepts deliveries, or was deleted.
 * This happens if a delivery is parked while its endpoint is resumed or deleted. The pages cover everything that is
 * parked, so call this rarely.
 *
 * @returns the position of the next page; undefined after the last page
 */
export async function unparkOrphanedDeliveries(
  db: Queryable,
  after: number,
  onRefused: RefusalHandler,
): Promise<number | undefined> {
  const isAccepting = sql`${endpoints.pausedAt} is null and not ${isTripped}`;
  const page = await builder(db)
    .select({ id: soniqJobs.id, isOrphaned: sql<boolean>`${endpoints.id} is null or (${isAccepting})` })
    .from(soniqJobs)
    .leftJoin(endpoints, sql`${endpoints.id}::text = ${soniqJobs.payload} ->> 'endpoint'`)
    .where(and(...isDeliveryQueued, isParked, sql`${soniqJobs.id} > ${after}::bigint`))
    .orderBy(soniqJobs.id)
    .limit(maxPageJobs);
  await unpark(
    db,
    page.filter(({ isOrphaned }) => isOrphaned).map(({ id }) => id),
    onRefused,
  );
  return page.length < maxPageJobs ? undefined : page.at(-1)?.id;
}
