import { and, eq, gte, isNotNull, isNull, lte, not, or, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { free, isParked, park, type Refused } from "../jobs/control/park.js";
import { hasOpened, isShut } from "./breaker.js";
import { deliveryQueue } from "./delivery.js";

/** Deliveries that one statement walks over. */
const pageSize = 500;
/** To free one delivery, so many are tried. */
const probesTried = 10;
/** While so many deliveries are due, no parked ones are added to them: those of others would have to wait behind these. */
const busyAt = 500;

/** An endpoint whose deliveries are parked, or to be freed. */
export interface UnsettledEndpoint {
  readonly id: string;
  /** `half open`: one delivery may try it. `freeing`: it takes deliveries again, and some may be parked yet. */
  readonly standing: "shut" | "half open" | "freeing";
}

/** The endpoints that need attention; those that just work, as most do, are not among them. */
export function findUnsettledEndpoints(db: Queryable): Promise<UnsettledEndpoint[]> {
  return builder(db)
    .select({
      id: endpoints.id,
      standing: sql<
        UnsettledEndpoint["standing"]
      >`case when ${isShut} then 'shut' when ${hasOpened} then 'half open' else 'freeing' end`,
    })
    .from(endpoints)
    .where(or(isNotNull(endpoints.pausedAt), isNotNull(endpoints.openUntil)));
}

/** A page of an endpoint's deliveries, by id. */
interface QueuedPage {
  /** Those among them that were asked for. */
  readonly ids: readonly number[];
  /** Where the next page begins; undefined if this was the last one. */
  readonly next: number | undefined;
}

/**
 * Looks through a page of an endpoint's deliveries for some that are queued: whatever has become of the others, one statement
 * walks over no more than a page.
 */
export async function pageOfQueued(db: Queryable, endpoint: string, after: number, which?: SQL): Promise<QueuedPage> {
  const page = new QueryBuilder()
    .select({
      id: soniqJobs.id,
      isWanted: sql<boolean>`${and(sql`${soniqJobs.state} = 'queued'`, which)}`.as("wanted"),
    })
    .from(soniqJobs)
    .where(and(isDeliveryTo(endpoint), sql`${soniqJobs.id} > ${after}::bigint`))
    .orderBy(soniqJobs.id)
    .limit(pageSize)
    .as("page");
  const [found] = await builder(db)
    .select({
      ids: sql<string>`coalesce(pg_catalog.jsonb_agg(${page.id}) filter (where ${page.isWanted}), '[]')::text`,
      last: sql<string | null>`max(${page.id})::text`,
      size: sql<number>`count(*)::int`,
    })
    .from(page);
  const { ids, last, size } = found as { ids: string; last: string | null; size: number };
  return { ids: JSON.parse(ids) as number[], next: size < pageSize ? undefined : Number(last) };
}

/** The predicate of the index `soniq_jobs_delivery`, word for word. */
export function isDeliveryTo(endpoint: string): SQL {
  return sql`name = 'soniq.webhook' and (payload ->> 'endpoint') = ${endpoint}`;
}

/**
 * Parks, of the next page of an endpoint's deliveries, those that are due, if it is shut yet. Those that wait out a backoff, few
 * as they have been tried before, go on to do so, and park themselves after that.
 *
 * @returns where the page after it begins
 */
export async function parkPage(
  db: Queryable,
  endpoint: string,
  after: number,
  refused: Refused,
): Promise<number | undefined> {
  const stillShut = sql`exists (select 1 from ${endpoints} where ${and(eq(endpoints.id, endpoint), isShut)})`;
  const { ids, next } = await pageOfQueued(db, endpoint, after, and(lte(soniqJobs.runAt, sql`now()`), stillShut));
  await park(db, ids, refused);
  return next;
}

/** Frees the next page of an endpoint's deliveries. @returns where the page after it begins, and how many were freed */
export async function freePage(
  db: Queryable,
  endpoint: string,
  after: number,
  refused: Refused,
): Promise<{ readonly next: number | undefined; readonly freed: number }> {
  const { ids, next } = await pageOfQueued(db, endpoint, after, isParked);
  const freed = await free(db, ids, refused);
  return { next, freed: freed.length };
}

/** Frees one delivery, to try the endpoint with. The newest, since of those that were published last the most are parked. */
export async function freeProbe(db: Queryable, endpoint: string, refused: Refused): Promise<void> {
  let before = Number.MAX_SAFE_INTEGER;
  // PostgreSQL may refuse to change a row, or somebody may have it locked.
  for (let tries = 0; tries < probesTried; tries += 1) {
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
    if (!newest || (await free(db, [newest.id], refused)).length > 0) return;
    before = newest.id;
  }
}

/** All that was parked has been freed: from now on the endpoint just works. */
export async function endFreeing(db: Queryable, endpoint: string): Promise<void> {
  await builder(db)
    .update(endpoints)
    .set({ openUntil: null })
    .where(
      and(eq(endpoints.id, endpoint), isNull(endpoints.pausedAt), not(hasOpened), lte(endpoints.openUntil, sql`now()`)),
    );
}

/** Whether so many deliveries are due that others should not be added. Those before the last hour were churned, or are few. */
export async function isBusy(db: Queryable): Promise<boolean> {
  const due = await builder(db)
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(
      and(...isDeliveryQueued, gte(soniqJobs.runAt, sql`now() - interval '1 hour'`), lte(soniqJobs.runAt, sql`now()`)),
    )
    .orderBy(soniqJobs.runAt)
    .offset(busyAt - 1)
    .limit(1);
  return due.length > 0;
}

/** In the claim index: deliveries have the default priority. */
const isDeliveryQueued = [
  sql`${soniqJobs.state} = 'queued'`,
  eq(soniqJobs.queue, deliveryQueue),
  sql`${soniqJobs.priority} = 5`,
];

/**
 * Frees, of a page of all parked deliveries, those whose endpoint takes deliveries, or is gone. They were parked as it began
 * to, or while it was deleted. Walks all that is parked: for a look now and then.
 *
 * @returns where the next page begins; undefined after the last one
 */
export async function freeStrays(db: Queryable, after: number, refused: Refused): Promise<number | undefined> {
  const takes = sql`${endpoints.pausedAt} is null and not ${hasOpened}`;
  const page = await builder(db)
    .select({ id: soniqJobs.id, isStray: sql<boolean>`${endpoints.id} is null or (${takes})` })
    .from(soniqJobs)
    .leftJoin(endpoints, sql`${endpoints.id}::text = ${soniqJobs.payload} ->> 'endpoint'`)
    .where(and(...isDeliveryQueued, isParked, sql`${soniqJobs.id} > ${after}::bigint`))
    .orderBy(soniqJobs.id)
    .limit(pageSize);
  await free(
    db,
    page.filter(({ isStray }) => isStray).map(({ id }) => id),
    refused,
  );
  return page.length < pageSize ? undefined : page.at(-1)?.id;
}
