import type { Duration } from "../core/duration.js";

/** The configuration of webhooks. The workers and the code that registers endpoints share the same value. */
export interface WebhookConfig {
  /**
   * The keys that encrypt the endpoints' signing secrets in the database: 32 bytes each, in base64, as `openssl rand
   * -base64 32` prints them. The first key encrypts; each key decrypts the secrets that it encrypted.
   */
  readonly keys: readonly (string | undefined)[];
  /**
   * Networks that webhooks may reach even if they are not public, on any port and over plain http, as in
   * `["10.1.0.0/16"]`. Default: none.
   */
  readonly allow?: readonly string[];
  /** How long a receiver may take to answer. Default `"15s"`. */
  readonly timeout?: Duration;
}
