import { ConfigError } from "../core/errors.js";
import type { Settings } from "./settings.js";

/** Narrows the settings to some queues, or to another concurrency. @throws ConfigError for a queue that is not configured */
export function narrow(settings: Settings, only?: readonly string[], concurrency?: number): Settings {
  const names = only ?? Object.keys(settings.queues);
  const stranger = names.find((queue) => !Object.hasOwn(settings.queues, queue));
  if (stranger !== undefined) {
    throw new ConfigError(
      `queue ${JSON.stringify(stranger)} is not configured: there are ${Object.keys(settings.queues).join(", ")}`,
    );
  }
  return {
    ...settings,
    queues: Object.fromEntries(names.map((queue) => [queue, concurrency ?? (settings.queues[queue] as number)])),
  };
}
