import { createHash } from "node:crypto";
import { sql } from "drizzle-orm";
import { parseText } from "../../core/json.js";

const maxKeyBytes = 512;

/**
 * Returns the key as it is stored: prefixed with the job's name, so that two definitions never share a key, and hashed if it
 * exceeds 512 bytes, because an index entry holds at most 2,704 bytes.
 *
 * @param what names the key in the error
 */
export function toStoredKey(name: string, key: string, what: string): string {
  // Escaped: otherwise the key "b:c" of job "a" would equal the key "c" of job "a:b".
  const prefix = encodeURIComponent(name);
  const storedKey = `${prefix}:${parseText(key, what, Number.POSITIVE_INFINITY)}`;
  if (Buffer.byteLength(storedKey) <= maxKeyBytes) return storedKey;
  return `${prefix}:sha256:${createHash("sha256").update(storedKey).digest("hex")}`;
}

/**
 * Builds a key from some properties of a payload. Equal values give the same key, regardless of the order of nested properties.
 *
 * @param json the payload as it is stored, because calling its `toJSON` or getters again could give other values
 */
export function buildKey(names: readonly string[], json: string): string {
  const payload = Object(JSON.parse(json)) as Record<string, unknown>;
  const picked = names.filter((name) => Object.hasOwn(payload, name)).map((name) => [name, payload[name]]);
  return JSON.stringify(Object.fromEntries(picked), sortProperties);
}

/** A replacer for `JSON.stringify` that sorts an object's properties by name. */
function sortProperties(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The predicate of the unique index on keys. `on conflict` must repeat it word for word, without the table's name. */
export const holdsKey = sql`unique_held and unique_key is not null`;

/**
 * True when a held key may be taken over: its window has passed, and its job has finished (or started, with `until: "started"`).
 */
export const canBeTakenOver = sql`(coalesce(unique_expires_at <= clock_timestamp(), false) and (finished_at is not null or unique_until = 'started' and claimed_at is not null))`;
