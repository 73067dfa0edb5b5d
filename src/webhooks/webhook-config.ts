import type { BlockList } from "node:net";
import { type Duration, longestTimerMs, milliseconds } from "../core/duration.js";
import { InvalidValueError } from "../core/errors.js";
import { networks } from "./addresses.js";
import { Keyring } from "./keyring.js";

/** How webhooks are sent: one value, for the workers' configuration and for those who register endpoints. */
export interface WebhookConfig {
  /**
   * What the endpoints' signing secrets are encrypted with in the database: 32 bytes each, in base64, as
   * `openssl rand -base64 32` prints them. The first one encrypts, each decrypts what it has encrypted.
   */
  readonly keys: readonly (string | undefined)[];
  /**
   * Networks that webhooks may reach although they are not public, on any port and by plain http, as in `["10.1.0.0/16"]`.
   * Default: none.
   */
  readonly allow?: readonly string[];
  /** How long a receiver may take to answer. Default `"15s"`. */
  readonly timeout?: Duration;
}

/** A checked {@link WebhookConfig}. */
export interface WebhookSettings {
  readonly keyring: Keyring;
  readonly allowed: BlockList;
  readonly timeoutMs: number;
}

/** @throws InvalidValueError naming the setting that cannot work */
export function checkWebhooks({ keys, allow = [], timeout = "15s" }: WebhookConfig): WebhookSettings {
  if (!Array.isArray(keys)) throw new InvalidValueError("webhooks.keys", "is no list: give a list of keys");
  if (!Array.isArray(allow)) throw new InvalidValueError("webhooks.allow", "is no list: give a list of networks");
  const timeoutMs = milliseconds(timeout, "webhooks.timeout");
  if (timeoutMs === 0 || timeoutMs > longestTimerMs / 2)
    throw new InvalidValueError("webhooks.timeout", `must be from 1 ms to 12 days`);
  return { keyring: new Keyring(keys), allowed: networks(allow, "webhooks.allow"), timeoutMs };
}
