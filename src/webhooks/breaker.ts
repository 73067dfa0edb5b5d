import { and, eq, gt, gte, isNull, lt, lte, sql } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import type { SealedSecret } from "./keyring.js";

/** So many failures in a row open the breaker. */
const opensAfter = sql.raw("10");
/** How long the one that tries an endpoint whose breaker was open has for it, before another one may. */
const probeTime = sql`interval '1 minute'`;
/** Open for a minute, then two, four … and at most an hour. */
const openTime = sql`least(60, 2 ^ least(${endpoints.failures} + 1 - ${opensAfter}, 10)) * interval '1 minute'`;

/** Whether the breaker has opened, and not closed since: it may be time for another try. */
export const hasOpened = gte(endpoints.failures, opensAfter);

/** Whether deliveries are parked as they are enqueued. */
export const isShut = sql`(${endpoints.pausedAt} is not null or coalesce(${endpoints.openUntil} > now(), false))`;

/** What a delivery needs to know of its endpoint. */
export interface Admission {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Those that sign, newest first. */
  readonly secrets: readonly SealedSecret[];
  /** Whether it may be sent; else it is to be parked. */
  readonly admitted: boolean;
  /** Whether it is the one that tries an endpoint whose breaker was open. */
  readonly isProbe: boolean;
  /** The database's time. */
  readonly at: Date;
}

/**
 * Asks whether an endpoint takes deliveries. Of those that ask while its breaker is half open, one is admitted: the probe.
 *
 * @returns undefined if there is no such endpoint
 */
export async function admit(db: Queryable, id: string): Promise<Admission | undefined> {
  const qb = builder(db);
  const probe = qb.$with("probe").as(
    qb
      .update(endpoints)
      .set({ openUntil: sql`now() + ${probeTime}` })
      .where(and(eq(endpoints.id, id), isNull(endpoints.pausedAt), hasOpened, lte(endpoints.openUntil, sql`now()`)))
      .returning({ id: endpoints.id }),
  );
  const [found] = await qb
    .with(probe)
    .select({
      url: endpoints.url,
      headers: sql<string>`${endpoints.headers}::text`,
      secrets: sql<string>`${validSecrets}::text`,
      takesAll: sql<boolean>`${endpoints.pausedAt} is null and not ${hasOpened}`,
      isProbe: sql<boolean>`exists (select 1 from ${probe})`,
      seconds: sql<number>`extract(epoch from clock_timestamp())::float8`,
    })
    .from(endpoints)
    .where(eq(endpoints.id, id));
  if (!found) return undefined;
  const { url, headers, secrets, takesAll, isProbe, seconds } = found;
  return {
    url,
    headers: JSON.parse(headers) as Record<string, string>,
    secrets: JSON.parse(secrets) as SealedSecret[],
    admitted: takesAll || isProbe,
    isProbe,
    at: new Date(seconds * 1_000),
  };
}

/** The secrets that have not been rotated out, newest first. */
export const validSecrets = sql`coalesce((select pg_catalog.jsonb_agg(secret order by place)
  from jsonb_array_elements(${endpoints.secrets}) with ordinality as kept (secret, place)
  where coalesce((secret ->> 'expiresAt')::timestamptz > now(), true)), '[]')`;

/** Closes the breaker, if it was open, and forgets the failures: of an endpoint that has none, nothing is written. */
export async function noteSuccess(db: Queryable, id: string): Promise<void> {
  await builder(db)
    .update(endpoints)
    // A time that has passed: its deliveries are freed from then on.
    .set({ failures: 0, openUntil: sql`case when ${hasOpened} then now() else ${endpoints.openUntil} end` })
    .where(and(eq(endpoints.id, id), gt(endpoints.failures, 0)));
}

/**
 * Counts a failure, and opens the breaker at the tenth in a row; a probe's opens it again, for longer. What was under way
 * while it opened is not counted.
 */
export async function noteFailure(db: Queryable, id: string, isProbe: boolean): Promise<void> {
  await builder(db)
    .update(endpoints)
    .set({
      failures: sql`${endpoints.failures} + 1`,
      openUntil: sql`case when ${endpoints.failures} + 1 >= ${opensAfter} then now() + ${openTime} else ${endpoints.openUntil} end`,
    })
    .where(and(eq(endpoints.id, id), isProbe ? undefined : lt(endpoints.failures, opensAfter)));
}
