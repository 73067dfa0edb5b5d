import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";

const secretBytes = 32;

export function generateSecret(): string {
  return `whsec_${randomBytes(secretBytes).toString("base64")}`;
}

/** A message to sign. */
export interface SignedMessage {
  /** The id of the message: the same for each attempt. */
  readonly id: string;
  /** The time of this attempt, by the database's clock. */
  readonly at: Date;
  readonly body: string;
}

/**
 * Builds the headers of Standard Webhooks, with one signature per secret: during a rotation, both the new and the old
 * secret sign.
 */
export function buildSignatureHeaders(
  { id, at, body }: SignedMessage,
  secrets: readonly string[],
): Record<string, string> {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(" "),
  };
}
