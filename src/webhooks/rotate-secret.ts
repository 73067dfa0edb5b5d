import { and, eq, gt, sql } from "drizzle-orm";
import { float8, interval } from "../core/fragments.js";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import { type Duration, parseDurationMs } from "../core/duration.js";
import { describeError, SoniqError, checkObject } from "../core/errors.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { validSecrets } from "./breaker.js";
import { parseEndpointId, createEndpointNotFoundError } from "./endpoints.js";
import { Keyring, type SealedSecret } from "./keyring.js";
import { generateSecret } from "./signature.js";
import type { WebhookConfig } from "./webhook-config.js";
import { parseWebhookConfig } from "./webhook-settings.js";

/**
 * Generates a new secret for an endpoint. During the overlap, the old secret signs, too, so that the receiver can
 * change over.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param options `overlap`: how long the old secret stays valid, by default `"24h"`; 0 if the old secret has leaked
 * @returns the new secret, which cannot be read again
 * @throws NotFoundError if the endpoint does not exist
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function rotateSecret(
  db: Queryable,
  config: WebhookConfig,
  id: string,
  { overlap = "24h" }: { readonly overlap?: Duration } = {},
): Promise<{ readonly secret: string }> {
  const { keyring } = parseWebhookConfig(config);
  const overlapMs = parseDurationMs(overlap, "overlap");
  const secret = generateSecret();
  const endpoint = parseEndpointId(id);
  const sealed = JSON.stringify([keyring.seal(secret, endpoint)]);
  const expiresAt = sql`least(now() + ${interval(float8(overlapMs))}, (secret ->> 'expiresAt')::timestamptz)`;
  // A secret that was rotated out before keeps its own, earlier expiry.
  const oldSecrets = sql`coalesce((select pg_catalog.jsonb_agg(secret || pg_catalog.jsonb_build_object('expiresAt', ${expiresAt}) order by ordinal)
    from jsonb_array_elements(${validSecrets}) with ordinality as valid (secret, ordinal)), '[]')`;
  const updated = await builder(db)
    .update(endpoints)
    .set({ secrets: sql`${sealed}::text::jsonb || ${oldSecrets}`, updatedAt: sql`now()` })
    .where(eq(endpoints.id, endpoint))
    .returning({ id: endpoints.id })
    .catch(explainMissingTables);
  if (updated.length === 0) throw createEndpointNotFoundError(id);
  return { secret };
}

const maxPageEndpoints = 100;
/** The error names at most this many secrets that could not be decrypted. */
const maxReportedFailures = 10;
const minUuid = "00000000-0000-0000-0000-000000000000";

/**
 * Re-encrypts all valid secrets with the first key, so that the other keys are no longer needed. Drops expired secrets.
 * Deploy the new key to all workers before you call this.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @returns the number of endpoints whose secrets were re-encrypted
 * @throws SoniqError that names the secrets that no key decrypts, after all others have been re-encrypted
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function rotateWebhookKeys(db: Queryable, config: Pick<WebhookConfig, "keys">): Promise<number> {
  checkObject(config, "webhooks", "give an object with `keys`");
  const keyring = new Keyring(config.keys);
  const failures: string[] = [];
  let endpointCount = 0;
  for (let after = minUuid; ;) {
    const page = await builder(db)
      .select({ id: endpoints.id })
      .from(endpoints)
      .where(gt(endpoints.id, after))
      .orderBy(endpoints.id)
      .limit(maxPageEndpoints)
      .catch(explainMissingTables);
    for (const { id } of page) endpointCount += await reseal(db, keyring, id, failures);
    const last = page.at(-1);
    if (!last) break;
    after = last.id;
  }
  if (failures.length === 0) return endpointCount;
  const details = failures.slice(0, maxReportedFailures).join("; ");
  throw new SoniqError(
    `${failures.length} secrets could not be decrypted and are unchanged, all others are re-encrypted: ${details}`,
  );
}

/** @returns 1, or 0 if the endpoint was deleted meanwhile */
async function reseal(db: Queryable, keyring: Keyring, id: string, failures: string[]): Promise<number> {
  for (;;) {
    const [row] = await builder(db)
      .select({ valid: sql<string>`${validSecrets}::text`, secrets: sql<string>`${endpoints.secrets}::text` })
      .from(endpoints)
      .where(eq(endpoints.id, id));
    if (!row) return 0;
    const rowFailures: string[] = [];
    const resealed = (JSON.parse(row.valid) as SealedSecret[]).map((secret) => {
      try {
        return { ...secret, ...keyring.seal(keyring.open(secret, id), id) };
      } catch (error) {
        rowFailures.push(describeError(error));
        return secret;
      }
    });
    const updated = await builder(db)
      .update(endpoints)
      .set({ secrets: sql`${JSON.stringify(resealed)}::text::jsonb` })
      .where(and(eq(endpoints.id, id), sql`${endpoints.secrets} = ${row.secrets}::text::jsonb`))
      .returning({ id: endpoints.id });
    // The secrets were rotated meanwhile, perhaps by a process that encrypts with the old key: read them again.
    if (updated.length === 0) continue;
    failures.push(...rowFailures);
    return 1;
  }
}
