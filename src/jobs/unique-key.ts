import { createHash } from "node:crypto";
import { sql } from "drizzle-orm";
import { storableText } from "../core/json.js";

const longestKeyBytes = 512;

/**
 * The key as it is stored: the job's name in front, so that two definitions never share one; hashed when long, since an
 * index entry has room for 2,704 bytes only.
 *
 * @param what names the key in the error
 */
export function storedUniqueKey(name: string, key: string, what: string): string {
  // Escaped, or the key "b:c" of a job "a" would be the key "c" of a job "a:b".
  const front = encodeURIComponent(name);
  const full = `${front}:${storableText(key, what, Number.POSITIVE_INFINITY)}`;
  if (Buffer.byteLength(full) <= longestKeyBytes) return full;
  return `${front}:sha256:${createHash("sha256").update(full).digest("hex")}`;
}

/** The arbiter of unique keys: what `on conflict` must repeat word for word, without the table's name. */
export const holdsKey = sql`unique_held and unique_key is not null`;
