import { findErrorCode, describeError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { sanitizeText } from "../core/storable.js";
import { version } from "../core/version.js";
import type { PayloadOutput, ResultInput } from "../jobs/definition/define-job.js";
import { Discard, Park } from "../jobs/definition/directives.js";
import type { HandlerFunction } from "../jobs/definition/job-context.js";
import { checkedAddresses, parseUrl, type Lookup } from "./addresses.js";
import { type Admission, admit, noteFailure, noteSuccess } from "./breaker.js";
import { DeliveryFailed, type deliveryJob } from "./delivery.js";
import { pauseEndpoint } from "./endpoints.js";
import { type Answer, post } from "./post.js";
import { signatureHeaders } from "./signature.js";
import type { WebhookSettings } from "./webhook-settings.js";

type Delivery = PayloadOutput<typeof deliveryJob>;
type Delivered = ResultInput<typeof deliveryJob>;

const gone = 410;

/**
 * The handler of deliveries.
 *
 * @param db for the endpoints, and outside of any transaction
 * @param lookUp resolves the receivers' names
 */
export function deliver(
  db: Queryable,
  settings: WebhookSettings,
  lookUp?: Lookup,
): HandlerFunction<Delivery, Delivered> {
  return async (delivery, job) => {
    const endpoint = await admit(db, delivery.endpoint);
    if (!endpoint) return job.cancel("its endpoint was deleted");
    if (!endpoint.admitted) return new Park();
    // That no key opens them is our fault: of the receiver it says nothing.
    const secrets = settings.keyring.openAny(endpoint.secrets, delivery.endpoint);
    const began = performance.now();
    const durationMs = () => Math.round(performance.now() - began);
    const signal = AbortSignal.any([job.signal, AbortSignal.timeout(settings.timeoutMs)]);
    let answer: Answer;
    try {
      answer = await send(delivery, endpoint, secrets, settings, signal, lookUp);
    } catch (error) {
      // Interrupted: of the receiver this says nothing.
      if (job.signal.aborted) throw error;
      await note(noteFailure(db, delivery.endpoint, endpoint.isProbe));
      throw unanswered(error, durationMs(), settings.timeoutMs);
    }
    const { status, excerpt } = answer;
    if (status >= 200 && status < 300) {
      await note(noteSuccess(db, delivery.endpoint));
      return { status, durationMs: durationMs(), excerpt };
    }
    const failed = refused(answer, durationMs());
    if (status === gone) {
      await pauseEndpoint(db, delivery.endpoint, "the receiver answered 410: it is gone").catch(() => {});
      throw new Discard(failed.message, { cause: failed });
    }
    await note(noteFailure(db, delivery.endpoint, endpoint.isProbe));
    throw failed;
  };
}

async function send(
  delivery: Delivery,
  { url: address, headers, at }: Admission,
  secrets: readonly string[],
  { allowed }: WebhookSettings,
  signal: AbortSignal,
  lookUp?: Lookup,
): Promise<Answer> {
  const { id, event, data } = delivery;
  const url = parseUrl(address, allowed);
  const addresses = await orAborted(checkedAddresses(url, allowed, lookUp), signal);
  // The body of Standard Webhooks.
  const body = JSON.stringify({ type: event, timestamp: delivery.at, data });
  return post({
    url,
    addresses,
    headers: {
      "user-agent": `soniq-drizzle/${version}`,
      ...headers,
      ...signatureHeaders({ id, at, body }, secrets),
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
    },
    body,
    signal,
  });
}

/** A look-up takes no signal. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** What the breaker does not learn is no reason to send again. */
async function note(noting: Promise<void>): Promise<void> {
  await noting.catch(() => {});
}

function unanswered(error: unknown, durationMs: number, timeoutMs: number): DeliveryFailed {
  const isTimeout = (error as { name?: unknown }).name === "TimeoutError" || findErrorCode(error) === "ABORT_ERR";
  const why = isTimeout ? `no answer within ${timeoutMs} ms` : describeError(error);
  return new DeliveryFailed(`not delivered: ${why}`, { durationMs }, 0, { cause: error });
}

function refused({ status, excerpt, retryAfterMs }: Answer, durationMs: number): DeliveryFailed {
  const said = excerpt ? `: ${sanitizeText(excerpt, 200)}` : "";
  const details = { status, durationMs, excerpt };
  return new DeliveryFailed(`the receiver answered ${status}${said}`, details, retryAfterMs);
}
