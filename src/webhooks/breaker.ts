import { and, eq, gt, gte, isNull, lt, lte, sql } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import type { SealedSecret } from "./keyring.js";

/** The breaker opens after this many consecutive failures. */
const failureThreshold = sql.raw("10");
/** The time that a probe has to report its outcome, before the half-open breaker admits another probe. */
const probeTimeout = sql`interval '1 minute'`;
/** The breaker stays open for 1 minute, then 2, 4 … and at most 1 hour. */
const openDuration = sql`least(60, 2 ^ least(${endpoints.failures} + 1 - ${failureThreshold}, 10)) * interval '1 minute'`;

/** Whether the breaker is open or half-open. */
export const isTripped = gte(endpoints.failures, failureThreshold);

/** Whether new deliveries are parked: the endpoint is paused, or its breaker is open. */
export const isBlocked = sql`(${endpoints.pausedAt} is not null or coalesce(${endpoints.openUntil} > now(), false))`;

/** The endpoint of a delivery, and whether the breaker admits the delivery. */
export interface Admission {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The secrets that sign, newest first. */
  readonly secrets: readonly SealedSecret[];
  /** Whether to send the delivery now; otherwise the delivery is parked. */
  readonly isAdmitted: boolean;
  /** Whether the delivery probes an endpoint whose breaker is half-open. */
  readonly isProbe: boolean;
  /** The current time by the database's clock. */
  readonly at: Date;
}

/**
 * Decides whether a delivery may be sent to its endpoint. A half-open breaker admits a single delivery: the probe.
 *
 * @returns undefined if the endpoint does not exist
 */
export async function admitDelivery(db: Queryable, id: string): Promise<Admission | undefined> {
  const qb = builder(db);
  const probe = qb.$with("probe").as(
    qb
      .update(endpoints)
      .set({ openUntil: sql`now() + ${probeTimeout}` })
      .where(and(eq(endpoints.id, id), isNull(endpoints.pausedAt), isTripped, lte(endpoints.openUntil, sql`now()`)))
      .returning({ id: endpoints.id }),
  );
  const [row] = await qb
    .with(probe)
    .select({
      url: endpoints.url,
      headers: sql<string>`${endpoints.headers}::text`,
      secrets: sql<string>`${validSecrets}::text`,
      admitsAll: sql<boolean>`${endpoints.pausedAt} is null and not ${isTripped}`,
      isProbe: sql<boolean>`exists (select 1 from ${probe})`,
      nowSeconds: sql<number>`extract(epoch from clock_timestamp())::float8`,
    })
    .from(endpoints)
    .where(eq(endpoints.id, id));
  if (!row) return undefined;
  const { url, headers, secrets, admitsAll, isProbe, nowSeconds } = row;
  return {
    url,
    headers: JSON.parse(headers) as Record<string, string>,
    secrets: JSON.parse(secrets) as SealedSecret[],
    isAdmitted: admitsAll || isProbe,
    isProbe,
    at: new Date(nowSeconds * 1_000),
  };
}

/** The secrets that have not expired, newest first. */
export const validSecrets = sql`coalesce((select pg_catalog.jsonb_agg(secret order by ordinal)
  from jsonb_array_elements(${endpoints.secrets}) with ordinality as stored (secret, ordinal)
  where coalesce((secret ->> 'expiresAt')::timestamptz > now(), true)), '[]')`;

/** Resets the failure count and closes the breaker. Writes nothing for an endpoint without failures. */
export async function recordSuccess(db: Queryable, id: string): Promise<void> {
  await builder(db)
    .update(endpoints)
    // A past `openUntil` marks the endpoint as unparking its deliveries.
    .set({ failures: 0, openUntil: sql`case when ${isTripped} then now() else ${endpoints.openUntil} end` })
    .where(and(eq(endpoints.id, id), gt(endpoints.failures, 0)));
}

/**
 * Counts a failure. The tenth in a row opens the breaker; a failed probe opens it again, for longer. Failures of
 * deliveries that were in flight when the breaker opened do not count.
 */
export async function recordFailure(db: Queryable, id: string, isProbe: boolean): Promise<void> {
  await builder(db)
    .update(endpoints)
    .set({
      failures: sql`${endpoints.failures} + 1`,
      openUntil: sql`case when ${endpoints.failures} + 1 >= ${failureThreshold} then now() + ${openDuration} else ${endpoints.openUntil} end`,
    })
    .where(and(eq(endpoints.id, id), isProbe ? undefined : lt(endpoints.failures, failureThreshold)));
}
