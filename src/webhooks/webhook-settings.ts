import type { BlockList } from "node:net";
import { maxTimerMs, parseDuration } from "../core/duration.js";
import { InvalidValueError, checkObject } from "../core/errors.js";
import { networks } from "./addresses.js";
import { Keyring } from "./keyring.js";
import type { WebhookConfig } from "./webhook-config.js";

/** A configuration that was read: defaults filled in. */
export interface WebhookSettings {
  readonly keyring: Keyring;
  readonly allowed: BlockList;
  readonly timeoutMs: number;
}

/** @throws InvalidValueError naming the setting that cannot work */
export function parseWebhooks(config: WebhookConfig): WebhookSettings {
  checkObject(config, "webhooks", "give an object with `keys`");
  const { keys, allow = [], timeout = "15s" } = config;
  if (!Array.isArray(allow)) throw new InvalidValueError("webhooks.allow", "is no list: give a list of networks");
  const timeoutMs = parseDuration(timeout, "webhooks.timeout");
  if (timeoutMs === 0 || timeoutMs > maxTimerMs / 2)
    throw new InvalidValueError("webhooks.timeout", `must be from 1 ms to 12 days`);
  return { keyring: new Keyring(keys), allowed: networks(allow, "webhooks.allow"), timeoutMs };
}
