import { createHash, type Hash } from "node:crypto";
import { version } from "../../core/version.js";
import type { Runnable } from "./runnables.js";

/** The maximum number of values to visit, of one job and of all jobs together. Each value costs about a microsecond. */
const maxValuesPerJob = 10_000;
const maxValues = 200_000;
const maxTextCharacters = 20_000;

/**
 * Computes a digest that distinguishes versions of an application's code: of its job definitions, including validators, and of their
 * handlers.
 *
 * It traverses values, and hashes functions by their source. It cannot see closures, and it skips the deepest parts of very
 * large validators: two versions may then have the same digest, and a job whose payload is refused loses its grace period.
 */
export function computeCodeDigest(runnables: ReadonlyMap<string, Runnable>): string {
  const hash = createHash("sha256").update(version);
  const budget = Math.min(maxValuesPerJob, Math.floor(maxValues / Math.max(1, runnables.size)));
  for (const { definition, handler } of runnables.values()) hashGraph(hash, [definition, handler], budget);
  return hash.digest("base64url").slice(0, 22);
}

/** Traverses breadth-first, so that one large part does not use up the whole budget. */
function hashGraph(hash: Hash, root: unknown, budget: number): void {
  const visited = new Map<object, number>();
  const queue: unknown[] = [root];
  for (let i = 0; i < queue.length && i < budget; i += 1) {
    try {
      hashValue(hash, queue[i], visited, queue, budget);
    } catch {
      // A getter or a proxy threw, or a function has no source.
      hash.update("!");
    }
  }
}

function hashValue(hash: Hash, value: unknown, visited: Map<object, number>, queue: unknown[], budget: number): void {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    hashText(hash, `${typeof value} ${String(value)}`);
    return;
  }
  const visitedIndex = visited.get(value);
  if (visitedIndex !== undefined) return void hash.update(`@${visitedIndex}`);
  visited.set(value, visited.size);
  if (typeof value === "function") hashText(hash, `${value.name} ${Function.prototype.toString.call(value)}`);
  else if (value instanceof RegExp || value instanceof Date) hashText(hash, String(value));
  else if (value instanceof Promise) value.catch(() => {});
  else if (ArrayBuffer.isView(value)) return void hash.update(`${value.byteLength}`);
  else hashText(hash, readClassSource(value));
  if (value instanceof Map || value instanceof Set) {
    for (const item of value) if (queue.push(item) >= budget) return;
  }
  // Object.keys would be slow for a long array.
  if (Array.isArray(value)) {
    for (const item of value) if (queue.push(item) >= budget) return;
    return;
  }
  const prototype = Object.getPrototypeOf(value) as object | null;
  for (const key of Object.keys(value)) {
    if (queue.length >= budget) return;
    const property = (value as Record<string, unknown>)[key];
    // Zod binds a method on first use: the bound copy would change the digest.
    if (typeof property === "function" && prototype && key in prototype) continue;
    hashText(hash, key);
    queue.push(property);
  }
}

/** Returns the source of a value's class, because methods are not among the value's own keys. */
function readClassSource(value: object): string {
  const prototype = Object.getPrototypeOf(value) as { readonly constructor?: unknown } | null;
  const classFunction = prototype?.constructor;
  return typeof classFunction === "function" ? Function.prototype.toString.call(classFunction) : "";
}

function hashText(hash: Hash, text: string): void {
  hash.update(`${text.length}:${text.slice(0, maxTextCharacters)}`);
}
