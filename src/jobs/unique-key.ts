import { createHash } from "node:crypto";
import { storableText } from "../core/json.js";

const longestKeyBytes = 512;

/**
 * The key as it is stored: the job's name in front, so that two definitions never share one; hashed when long, since an
 * index entry has room for 2,704 bytes only.
 */
export function storedUniqueKey(name: string, key: string): string {
  const full = `${name}:${storableText(key, "uniqueKey", Number.POSITIVE_INFINITY)}`;
  if (Buffer.byteLength(full) <= longestKeyBytes) return full;
  return `${name}:sha256:${createHash("sha256").update(full).digest("hex")}`;
}
