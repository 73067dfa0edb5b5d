import { createHash } from "node:crypto";
import { sql } from "drizzle-orm";
import { parseText } from "../../core/json.js";

const maxKeyBytes = 512;

/**
 * The key as it is stored: the job's name in front, so that two definitions never share one; hashed when long, since an
 * index entry has room for 2,704 bytes only.
 *
 * @param what names the key in the error
 */
export function storedUniqueKey(name: string, key: string, what: string): string {
  // Escaped, or the key "b:c" of a job "a" would be the key "c" of a job "a:b".
  const front = encodeURIComponent(name);
  const full = `${front}:${parseText(key, what, Number.POSITIVE_INFINITY)}`;
  if (Buffer.byteLength(full) <= maxKeyBytes) return full;
  return `${front}:sha256:${createHash("sha256").update(full).digest("hex")}`;
}

/**
 * The key that some properties of a payload make: the same for equal values, in whatever order their own properties are.
 *
 * @param json the payload as it is stored: what its `toJSON` or getters say a second time might differ
 */
export function keyOfProperties(names: readonly string[], json: string): string {
  const payload = Object(JSON.parse(json)) as Record<string, unknown>;
  const picked = names.filter((name) => Object.hasOwn(payload, name)).map((name) => [name, payload[name]]);
  return JSON.stringify(Object.fromEntries(picked), inOrder);
}

/** For `JSON.stringify`: an object's properties by name. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The arbiter of unique keys: what `on conflict` must repeat word for word, without the table's name. */
export const holdsKey = sql`unique_held and unique_key is not null`;

/** Of a held key: its window is over, and its job has ended, or has started where that frees it. It is free to be taken. */
export const isOver = sql`(coalesce(unique_expires_at <= clock_timestamp(), false) and (finished_at is not null or unique_until = 'started' and claimed_at is not null))`;
