import type { BlockList } from "node:net";
import { maxTimerMs, parseDurationMs } from "../core/duration.js";
import { InvalidValueError, checkObject } from "../core/errors.js";
import { parseNetworks } from "./addresses.js";
import { Keyring } from "./keyring.js";
import type { WebhookConfig } from "./webhook-config.js";

/** The parsed configuration, with its defaults. */
export interface WebhookSettings {
  readonly keyring: Keyring;
  readonly allowed: BlockList;
  readonly timeoutMs: number;
}

/** @throws InvalidValueError naming the invalid setting */
export function parseWebhookConfig(config: WebhookConfig): WebhookSettings {
  checkObject(config, "webhooks", "give an object with `keys`");
  const { keys, allow = [], timeout = "15s" } = config;
  if (!Array.isArray(allow)) throw new InvalidValueError("webhooks.allow", "is not a list: give a list of networks");
  const timeoutMs = parseDurationMs(timeout, "webhooks.timeout");
  if (timeoutMs === 0 || timeoutMs > maxTimerMs / 2)
    throw new InvalidValueError("webhooks.timeout", `must be from 1 ms to 12 days`);
  return { keyring: new Keyring(keys), allowed: parseNetworks(allow, "webhooks.allow"), timeoutMs };
}
