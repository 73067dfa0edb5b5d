import * as v from "valibot";
import { ConfigError } from "../../core/errors.js";
import { defaults } from "./defaults.js";
import type { Runnable } from "./runnables.js";
import { objectSchema, positiveInteger, strictSettings } from "./setting-schemas.js";

/** The queues to work. Parsed into a map, because a queue may have any name, such as `constructor`. */
export const queuesSchema = v.optional(
  v.pipe(
    objectSchema("must be an object such as { mail: { concurrency: 5 } }"),
    v.transform((queues) => new Map(Object.entries(queues))),
    v.map(v.pipe(v.string(), v.minLength(1), v.maxLength(200)), strictSettings({ concurrency: positiveInteger })),
  ),
);

/** Returns the concurrency by queue: of the configured queues, or else of `default` and the queues of the definitions. */
export function resolveQueues(
  queues: ReadonlyMap<string, { concurrency: number }> | undefined,
  runnables: ReadonlyMap<string, Runnable>,
): Record<string, number> {
  if (queues) {
    if (queues.size === 0) throw new ConfigError("configuration: queues is empty: name a queue, or omit the setting");
    return Object.fromEntries([...queues].map(([queue, { concurrency }]) => [queue, concurrency]));
  }
  const definedQueues = [...runnables.values()].map(({ definition }) => definition.queue ?? "default");
  return Object.fromEntries(["default", ...definedQueues].map((queue) => [queue, defaults.concurrency]));
}
