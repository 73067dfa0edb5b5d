import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { recognizeAcrossCopies } from "../core/recognize-across-copies.js";
import { ConfigError, SoniqError, describeError } from "../core/errors.js";
import { validate } from "../jobs/definition/validate.js";
import type { EventDefinition } from "./define-event.js";

/** A request as a receiver gets it: a `Request`, or an object with its headers and its text. */
export interface WebhookRequest {
  readonly headers: { get(name: string): string | null };
  /** Returns the raw body. A body that was parsed and serialized again no longer matches its signature. */
  text(): Promise<string>;
}

/** A verified webhook: authentic and unchanged. */
export interface ReceivedWebhook<Name extends string = string, Data = unknown> {
  /** The id of the message: the same for each attempt, for deduplication. */
  readonly id: string;
  readonly type: Name;
  /** When the event was published. */
  readonly timestamp: Date;
  readonly data: Data;
}

type ReceivedOf<E> = E extends EventDefinition<infer Name, infer _In, infer Out> ? ReceivedWebhook<Name, Out> : never;

/** A request that is not authentic, or that the receiver cannot handle. */
export class WebhookError extends SoniqError {
  override readonly name = "WebhookError";
  static {
    recognizeAcrossCopies(this, "WebhookError");
  }

  /**
   * @param problem `signature`: the request is forged, altered or too old: answer 400 or 401. `event`: the request is
   *   authentic, but its event is not expected: answer 200, or it is sent again. `payload`: the request is authentic,
   *   but its payload is invalid
   */
  constructor(
    readonly problem: "signature" | "event" | "payload",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Verifies a webhook's signature and time (at most 5 minutes off) by the rules of Standard Webhooks, and parses it.
 *
 * @param secret the endpoint's secret, `whsec_…`; several during a rotation
 * @param events the expected events
 * @returns the webhook of an expected event
 * @throws WebhookError if the request is not authentic, or its event or payload is not as expected
 * @throws ConfigError if the secret has fewer than 24 bytes: its signatures could be forged
 */
export async function verifyWebhook<const Events extends readonly EventDefinition[]>(
  request: WebhookRequest,
  secret: string | readonly string[],
  events: Events,
): Promise<ReceivedOf<Events[number]>> {
  const body = await request.text();
  verifySignature(body, pickHeaders(request), typeof secret === "string" ? [secret] : secret);
  const { type, timestamp, data } = parseBody(body);
  const event = events.find(({ name }) => name === type);
  if (!event) {
    const expected = events.map(({ name }) => name).join(", ") || "none";
    throw new WebhookError("event", `the event ${JSON.stringify(type)} is not among those expected: ${expected}`);
  }
  const validateData = async (): Promise<unknown> => validate(event.payload, data, "data");
  const received: ReceivedWebhook = {
    id: request.headers.get("webhook-id") as string,
    type: event.name,
    timestamp: new Date(timestamp as string),
    data: await validateData().catch((error: unknown) => {
      throw new WebhookError("payload", `the event ${event.name}: ${describeError(error)}`, { cause: error });
    }),
  };
  return received as ReceivedOf<Events[number]>;
}

function pickHeaders({ headers }: WebhookRequest): Record<string, string> {
  const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
  return Object.fromEntries(names.map((name) => [name, headers.get(name) ?? ""]));
}

/** The minimum of Standard Webhooks; our own secrets have 32 bytes. */
const minSecretBytes = 24;

/** @throws ConfigError that does not contain the secret */
function checkSecret(secret: string): void {
  const bytes = Buffer.from(secret.replace(/^whsec_/, ""), "base64").length;
  if (bytes < minSecretBytes)
    throw new ConfigError(
      `the webhook secret has ${bytes} bytes, and could be guessed: give the endpoint's whole secret, which has ${minSecretBytes} bytes or more in base64`,
    );
}

function verifySignature(body: string, headers: Record<string, string>, secrets: readonly string[]): void {
  let problem: unknown = new WebhookVerificationError("no secret is given");
  for (const secret of secrets) {
    checkSecret(secret);
    try {
      new Webhook(secret).verify(body, headers, { jsonParse: false });
      return;
    } catch (error) {
      problem = error;
    }
  }
  // Any other error is caused by the secret, not by the request.
  if (!(problem instanceof WebhookVerificationError)) throw problem;
  throw new WebhookError("signature", `not verified: ${problem.message}`, { cause: problem });
}

function parseBody(body: string): { readonly type?: unknown; readonly timestamp?: unknown; readonly data?: unknown } {
  try {
    return (JSON.parse(body) as object | null) ?? {};
  } catch (error) {
    throw new WebhookError("payload", `the body is not JSON: ${describeError(error)}`, { cause: error });
  }
}
