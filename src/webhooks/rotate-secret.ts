import { and, eq, gt, sql } from "drizzle-orm";
import { float8, interval } from "../core/fragments.js";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import { type Duration, parseDuration } from "../core/duration.js";
import { describeError, SoniqError, checkObject } from "../core/errors.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { validSecrets } from "./breaker.js";
import { endpointId, noSuchEndpoint } from "./endpoints.js";
import { Keyring, type SealedSecret } from "./keyring.js";
import { newSecret } from "./signature.js";
import type { WebhookConfig } from "./webhook-config.js";
import { parseWebhooks } from "./webhook-settings.js";

/**
 * Gives an endpoint a new secret. The old one signs along for a while, so that the receiver can change over.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param options `overlap`: for how long, by default `"24h"`; 0 where the old one has become known to others
 * @returns the new secret: shown this once
 * @throws NotFoundError if there is no such endpoint
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function rotateSecret(
  db: Queryable,
  config: WebhookConfig,
  id: string,
  { overlap = "24h" }: { readonly overlap?: Duration } = {},
): Promise<{ readonly secret: string }> {
  const { keyring } = parseWebhooks(config);
  const overlapMs = parseDuration(overlap, "overlap");
  const secret = newSecret();
  const endpoint = endpointId(id);
  const sealed = JSON.stringify([keyring.seal(secret, endpoint)]);
  const end = sql`least(now() + ${interval(float8(overlapMs))}, (secret ->> 'expiresAt')::timestamptz)`;
  // One that was rotated out before keeps its own end, which is sooner.
  const old = sql`coalesce((select pg_catalog.jsonb_agg(secret || pg_catalog.jsonb_build_object('expiresAt', ${end}) order by place)
    from jsonb_array_elements(${validSecrets}) with ordinality as valid (secret, place)), '[]')`;
  const rotated = await builder(db)
    .update(endpoints)
    .set({ secrets: sql`${sealed}::text::jsonb || ${old}`, updatedAt: sql`now()` })
    .where(eq(endpoints.id, endpoint))
    .returning({ id: endpoints.id })
    .catch(explainMissingTables);
  if (rotated.length === 0) throw noSuchEndpoint(id);
  return { secret };
}

const endpointsPerPage = 100;
/** In the error, of the secrets that could not be opened. */
const maxNamed = 10;
const beforeAll = "00000000-0000-0000-0000-000000000000";

/**
 * Encrypts all secrets that are valid yet with the first of the keys, so that the others are not needed any more. Those that
 * have been rotated out for good are dropped. The workers must know the new key before.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @returns of how many endpoints
 * @throws SoniqError naming the secrets that none of the keys opens, when all others have been encrypted anew
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function rotateWebhookKeys(db: Queryable, config: Pick<WebhookConfig, "keys">): Promise<number> {
  checkObject(config, "webhooks", "give an object with `keys`");
  const keyring = new Keyring(config.keys);
  const failures: string[] = [];
  let count = 0;
  for (let after = beforeAll; ;) {
    const page = await builder(db)
      .select({ id: endpoints.id })
      .from(endpoints)
      .where(gt(endpoints.id, after))
      .orderBy(endpoints.id)
      .limit(endpointsPerPage)
      .catch(explainMissingTables);
    for (const { id } of page) count += await reseal(db, keyring, id, failures);
    const last = page.at(-1);
    if (!last) break;
    after = last.id;
  }
  if (failures.length === 0) return count;
  const named = failures.slice(0, maxNamed).join("; ");
  throw new SoniqError(`${failures.length} secrets stay as they were, all others are encrypted anew: ${named}`);
}

/** @returns 1, or 0 for an endpoint that was deleted meanwhile */
async function reseal(db: Queryable, keyring: Keyring, id: string, failures: string[]): Promise<number> {
  for (;;) {
    const [found] = await builder(db)
      .select({ valid: sql<string>`${validSecrets}::text`, secrets: sql<string>`${endpoints.secrets}::text` })
      .from(endpoints)
      .where(eq(endpoints.id, id));
    if (!found) return 0;
    const failed: string[] = [];
    const resealed = (JSON.parse(found.valid) as SealedSecret[]).map((secret) => {
      try {
        return { ...secret, ...keyring.seal(keyring.open(secret, id), id) };
      } catch (error) {
        failed.push(describeError(error));
        return secret;
      }
    });
    const written = await builder(db)
      .update(endpoints)
      .set({ secrets: sql`${JSON.stringify(resealed)}::text::jsonb` })
      .where(and(eq(endpoints.id, id), sql`${endpoints.secrets} = ${found.secrets}::text::jsonb`))
      .returning({ id: endpoints.id });
    // A secret that was rotated meanwhile may have been encrypted with the old key: it is read again.
    if (written.length === 0) continue;
    failures.push(...failed);
    return 1;
  }
}
