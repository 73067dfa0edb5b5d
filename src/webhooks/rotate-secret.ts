import { and, eq, gt, sql } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import { type Duration, milliseconds } from "../core/duration.js";
import type { Queryable } from "../core/queryable.js";
import { validSecrets } from "./breaker.js";
import { endpointId, unknownEndpoint } from "./endpoints.js";
import { Keyring, type SealedSecret } from "./keyring.js";
import { newSecret } from "./signature.js";
import type { WebhookConfig } from "./webhook-config.js";
import { checkWebhooks } from "./webhook-settings.js";

/**
 * Gives an endpoint a new secret. The old one signs along for a while, so that the receiver can change over.
 *
 * @param options `overlap`: for how long, by default `"24h"`; 0 where the old one has become known to others
 * @returns the new secret: shown this once
 * @throws InvalidValueError if there is no such endpoint
 */
export async function rotateSecret(
  db: Queryable,
  config: WebhookConfig,
  id: string,
  { overlap = "24h" }: { readonly overlap?: Duration } = {},
): Promise<{ readonly secret: string }> {
  const { keyring } = checkWebhooks(config);
  const overlapMs = milliseconds(overlap, "overlap");
  const secret = newSecret();
  const endpoint = endpointId(id);
  const sealed = JSON.stringify([keyring.seal(secret, endpoint)]);
  const end = sql`least(now() + ${overlapMs}::float8 * interval '1 millisecond', (secret ->> 'expiresAt')::timestamptz)`;
  // One that was rotated out before keeps its own end, which is sooner.
  const old = sql`coalesce((select jsonb_agg(secret || jsonb_build_object('expiresAt', ${end}) order by place)
    from jsonb_array_elements(${validSecrets}) with ordinality as valid (secret, place)), '[]')`;
  const rotated = await builder(db)
    .update(endpoints)
    .set({ secrets: sql`${sealed}::text::jsonb || ${old}`, updatedAt: sql`now()` })
    .where(eq(endpoints.id, endpoint))
    .returning({ id: endpoints.id });
  if (rotated.length === 0) throw unknownEndpoint(id);
  return { secret };
}

const endpointsPerPage = 100;
const beforeAll = "00000000-0000-0000-0000-000000000000";

/**
 * Encrypts all secrets with the first of the keys, so that the others are not needed any more. The workers must know the new
 * key before.
 *
 * @returns of how many endpoints
 * @throws SoniqError for a secret that none of the keys opens; those before it have been encrypted anew
 */
export async function rotateWebhookKeys(db: Queryable, config: Pick<WebhookConfig, "keys">): Promise<number> {
  const keyring = new Keyring(config.keys);
  let count = 0;
  for (let after = beforeAll; ;) {
    const page = await builder(db)
      .select({ id: endpoints.id, secrets: sql<string>`${endpoints.secrets}::text` })
      .from(endpoints)
      .where(gt(endpoints.id, after))
      .orderBy(endpoints.id)
      .limit(endpointsPerPage);
    for (const { id, secrets } of page) count += await reseal(db, keyring, id, secrets);
    const last = page.at(-1);
    if (!last) return count;
    after = last.id;
  }
}

/** Where a secret was rotated meanwhile, that was with the first key already: nothing is written. */
async function reseal(db: Queryable, keyring: Keyring, id: string, secrets: string): Promise<number> {
  const resealed = (JSON.parse(secrets) as SealedSecret[]).map((secret) => ({
    ...secret,
    ...keyring.seal(keyring.open(secret, id), id),
  }));
  const written = await builder(db)
    .update(endpoints)
    .set({ secrets: sql`${JSON.stringify(resealed)}::text::jsonb` })
    .where(and(eq(endpoints.id, id), sql`${endpoints.secrets} = ${secrets}::text::jsonb`))
    .returning({ id: endpoints.id });
  return written.length;
}
