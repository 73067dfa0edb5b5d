import * as v from "valibot";
import { ConfigError } from "../../core/errors.js";
import { defaults } from "./defaults.js";
import type { Runnable } from "./runnables.js";
import { anyObject, count, noOthersThan } from "./setting-schemas.js";

/** Which queues to work. Read as a map, since a queue may have any name. */
export const queuesSchema = v.optional(
  v.pipe(
    anyObject("must be an object such as { mail: { concurrency: 5 } }"),
    v.transform((queues) => new Map(Object.entries(queues))),
    v.map(v.pipe(v.string(), v.minLength(1), v.maxLength(200)), noOthersThan({ concurrency: count })),
  ),
);

/** Concurrency by queue: of those that are given, or else of those that the definitions name. */
export function queuesOf(
  queues: ReadonlyMap<string, { concurrency: number }> | undefined,
  runnables: ReadonlyMap<string, Runnable>,
): Record<string, number> {
  if (queues) {
    if (queues.size === 0) throw new ConfigError("configuration: queues is empty: name one, or leave it out");
    return Object.fromEntries([...queues].map(([queue, { concurrency }]) => [queue, concurrency]));
  }
  const named = [...runnables.values()].map(({ definition }) => definition.queue ?? "default");
  return Object.fromEntries(["default", ...named].map((queue) => [queue, defaults.concurrency]));
}
