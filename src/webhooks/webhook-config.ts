import type { Duration } from "../core/duration.js";

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
