import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";

const secretBytes = 32;

/** A new signing secret. */
export function newSecret(): string {
  return `whsec_${randomBytes(secretBytes).toString("base64")}`;
}

/** A message as it is sent. */
export interface SignedMessage {
  /** The same for each attempt. */
  readonly id: string;
  /** When this attempt is made, by the database's clock. */
  readonly at: Date;
  readonly body: string;
}

/** The headers of Standard Webhooks: while a secret is rotated, a signature with the old one stands beside the new one's. */
export function signatureHeaders({ id, at, body }: SignedMessage, secrets: readonly string[]): Record<string, string> {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(" "),
  };
}
