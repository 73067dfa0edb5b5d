import { createHash, type Hash } from "node:crypto";
import { version } from "../../core/version.js";
import type { Runnable } from "./runnables.js";

/** So many values are looked at: of one job, and of all of them together. Each costs about a microsecond. */
const valuesPerJob = 10_000;
const valuesOfAll = 200_000;
const charactersPerText = 20_000;

/**
 * Tells versions of an application's code apart: a digest of its job definitions, validators included, and of their handlers.
 *
 * Values are walked, functions count by their source. What functions close over cannot be seen, and of very large validators
 * what lies deepest is left out: two versions may then look like one, which costs a job whose payload is refused its grace.
 */
export function codeDigest(runnables: ReadonlyMap<string, Runnable>): string {
  const hash = createHash("sha256").update(version);
  const budget = Math.min(valuesPerJob, Math.floor(valuesOfAll / Math.max(1, runnables.size)));
  for (const { definition, handler } of runnables.values()) addValue(hash, [definition, handler], budget);
  return hash.digest("base64url").slice(0, 22);
}

/** Breadth first, so that a large part does not keep the others from being seen. */
function addValue(hash: Hash, root: unknown, budget: number): void {
  const seen = new Map<object, number>();
  const queue: unknown[] = [root];
  for (let i = 0; i < queue.length && i < budget; i += 1) {
    try {
      addOne(hash, queue[i], seen, queue, budget);
    } catch {
      // A getter or a proxy that throws, or a function without a source.
      hash.update("!");
    }
  }
}

function addOne(hash: Hash, value: unknown, seen: Map<object, number>, queue: unknown[], budget: number): void {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    addText(hash, `${typeof value} ${String(value)}`);
    return;
  }
  const before = seen.get(value);
  if (before !== undefined) return void hash.update(`@${before}`);
  seen.set(value, seen.size);
  if (typeof value === "function") addText(hash, `${value.name} ${Function.prototype.toString.call(value)}`);
  else if (value instanceof RegExp || value instanceof Date) addText(hash, String(value));
  else if (value instanceof Promise) value.catch(() => {});
  else if (ArrayBuffer.isView(value)) return void hash.update(`${value.byteLength}`);
  else addText(hash, classOf(value));
  if (value instanceof Map || value instanceof Set) {
    for (const one of value) if (queue.push(one) >= budget) return;
  }
  // The keys of a long list would take a while.
  if (Array.isArray(value)) {
    for (const one of value) if (queue.push(one) >= budget) return;
    return;
  }
  const prototype = Object.getPrototypeOf(value) as object | null;
  for (const key of Object.keys(value)) {
    if (queue.length >= budget) return;
    const own = (value as Record<string, unknown>)[key];
    // A method that was bound when it was first used, as Zod does it.
    if (typeof own === "function" && prototype && key in prototype) continue;
    addText(hash, key);
    queue.push(own);
  }
}

/** Methods are not among a value's own keys. */
function classOf(value: object): string {
  const prototype = Object.getPrototypeOf(value) as { readonly constructor?: unknown } | null;
  const maker = prototype?.constructor;
  return typeof maker === "function" ? Function.prototype.toString.call(maker) : "";
}

function addText(hash: Hash, text: string): void {
  hash.update(`${text.length}:${text.slice(0, charactersPerText)}`);
}
