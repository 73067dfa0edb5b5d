import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { recognizeAcrossCopies } from "../core/across-copies.js";
import { ConfigError, SoniqError, describeError } from "../core/errors.js";
import { validate } from "../jobs/definition/validate.js";
import type { EventDefinition } from "./define-event.js";

/** What a receiver gets of a request: a `Request`, or what has its headers and its text. */
export interface WebhookRequest {
  readonly headers: { get(name: string): string | null };
  /** The body as it was sent: parsed and written again, its signature would no longer fit. */
  text(): Promise<string>;
}

/** A webhook that was received: from whom it says, and unchanged. */
export interface ReceivedWebhook<Name extends string = string, Data = unknown> {
  /** The same however often it is sent: what has been seen already need not be done again. */
  readonly id: string;
  readonly type: Name;
  /** When it was published. */
  readonly timestamp: Date;
  readonly data: Data;
}

type ReceivedOf<E> = E extends EventDefinition<infer Name, infer _In, infer Out> ? ReceivedWebhook<Name, Out> : never;

/** A request that is not to be believed, or not understood. */
export class WebhookError extends SoniqError {
  override readonly name = "WebhookError";
  static {
    recognizeAcrossCopies(this, "WebhookError");
  }

  /**
   * @param problem `signature`: nobody who knows the secret sent this, just now and in these words: answer 400 or 401.
   *   `event`: it is genuine, and none of the events that were asked for: answer 200, or it is sent again. `payload`: it is
   *   genuine, and its validator does not take it
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
 * Verifies a webhook's signature and time (not more than 5 minutes off), as Standard Webhooks has them, and parses it.
 *
 * @param secret of the endpoint, `whsec_…`; several while it is rotated
 * @param events those that are expected: what is returned is one of them
 * @throws WebhookError for whatever else
 * @throws ConfigError for a secret of less than 24 bytes: a signature with it could be forged
 */
export async function verifyWebhook<const Events extends readonly EventDefinition[]>(
  request: WebhookRequest,
  secret: string | readonly string[],
  events: Events,
): Promise<ReceivedOf<Events[number]>> {
  const body = await request.text();
  verify(body, headersOf(request), typeof secret === "string" ? [secret] : secret);
  const { type, timestamp, data } = parsed(body);
  const event = events.find(({ name }) => name === type);
  if (!event) {
    const expected = events.map(({ name }) => name).join(", ") || "none";
    throw new WebhookError("event", `the event ${JSON.stringify(type)} is not among those expected: ${expected}`);
  }
  const valid = async (): Promise<unknown> => validate(event.payload, data, "data");
  const received: ReceivedWebhook = {
    id: request.headers.get("webhook-id") as string,
    type: event.name,
    timestamp: new Date(timestamp as string),
    data: await valid().catch((error: unknown) => {
      throw new WebhookError("payload", `the event ${event.name}: ${describeError(error)}`, { cause: error });
    }),
  };
  return received as ReceivedOf<Events[number]>;
}

function headersOf({ headers }: WebhookRequest): Record<string, string> {
  const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
  return Object.fromEntries(names.map((name) => [name, headers.get(name) ?? ""]));
}

/** What Standard Webhooks asks for; ours have 32. */
const minSecretBytes = 24;

/** @throws ConfigError without the secret */
function checkSecret(secret: string): void {
  const bytes = Buffer.from(secret.replace(/^whsec_/, ""), "base64").length;
  if (bytes < minSecretBytes)
    throw new ConfigError(
      `the webhook secret has ${bytes} bytes, and could be guessed: give the endpoint's whole secret, which has ${minSecretBytes} bytes or more in base64`,
    );
}

function verify(body: string, headers: Record<string, string>, secrets: readonly string[]): void {
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
  // What is wrong with a secret is no fault of the request's.
  if (!(problem instanceof WebhookVerificationError)) throw problem;
  throw new WebhookError("signature", `not verified: ${problem.message}`, { cause: problem });
}

function parsed(body: string): { readonly type?: unknown; readonly timestamp?: unknown; readonly data?: unknown } {
  try {
    return (JSON.parse(body) as object | null) ?? {};
  } catch (error) {
    throw new WebhookError("payload", `its body is no JSON: ${describeError(error)}`, { cause: error });
  }
}
