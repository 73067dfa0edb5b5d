import { findErrorCode, describeError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { sanitizeText } from "../core/sanitize-text.js";
import { version } from "../core/version.js";
import type { PayloadOutput, ResultInput } from "../jobs/definition/define-job.js";
import { Discard, Park } from "../jobs/definition/directives.js";
import type { HandlerFunction } from "../jobs/definition/job-context.js";
import { resolveAddresses, parseUrl, type HostResolver } from "./addresses.js";
import { type Admission, admitDelivery, recordFailure, recordSuccess } from "./breaker.js";
import { DeliveryFailed, type deliveryJob } from "./delivery.js";
import { pauseEndpoint } from "./endpoints.js";
import { type Answer, post } from "./post.js";
import { buildSignatureHeaders } from "./signature.js";
import type { WebhookSettings } from "./webhook-settings.js";

type Delivery = PayloadOutput<typeof deliveryJob>;
type DeliveryResult = ResultInput<typeof deliveryJob>;

const httpGone = 410;

/**
 * Creates the handler of delivery jobs.
 *
 * @param db the database of the endpoints, outside of any transaction
 * @param resolveHost resolves the receivers' host names; by default, the system does
 */
export function createDeliveryHandler(
  db: Queryable,
  settings: WebhookSettings,
  resolveHost?: HostResolver,
): HandlerFunction<Delivery, DeliveryResult> {
  return async (delivery, job) => {
    const endpoint = await admitDelivery(db, delivery.endpoint);
    if (!endpoint) return job.cancel("its endpoint was deleted");
    if (!endpoint.isAdmitted) return new Park();
    // A missing key is our fault, not the receiver's: the error does not count as a failure of the endpoint.
    const secrets = settings.keyring.openAny(endpoint.secrets, delivery.endpoint);
    const startMs = performance.now();
    const measureMs = () => Math.round(performance.now() - startMs);
    const signal = AbortSignal.any([job.signal, AbortSignal.timeout(settings.timeoutMs)]);
    let answer: Answer;
    try {
      answer = await sendWebhook(delivery, endpoint, secrets, settings, signal, resolveHost);
    } catch (error) {
      // The job was aborted, which does not count as a failure of the endpoint.
      if (job.signal.aborted) throw error;
      await ignoreError(recordFailure(db, delivery.endpoint, endpoint.isProbe));
      throw createNoAnswerError(error, measureMs(), settings.timeoutMs);
    }
    const { status, excerpt } = answer;
    if (status >= 200 && status < 300) {
      await ignoreError(recordSuccess(db, delivery.endpoint));
      return { status, durationMs: measureMs(), excerpt };
    }
    const failure = createRefusalError(answer, measureMs());
    if (status === httpGone) {
      await pauseEndpoint(db, delivery.endpoint, "the receiver answered 410 Gone").catch(() => {});
      throw new Discard(failure.message, { cause: failure });
    }
    await ignoreError(recordFailure(db, delivery.endpoint, endpoint.isProbe));
    throw failure;
  };
}

async function sendWebhook(
  delivery: Delivery,
  { url: address, headers, at }: Admission,
  secrets: readonly string[],
  { allowed }: WebhookSettings,
  signal: AbortSignal,
  resolveHost?: HostResolver,
): Promise<Answer> {
  const { id, event, data } = delivery;
  const url = parseUrl(address, allowed);
  const addresses = await rejectOnAbort(resolveAddresses(url, allowed, resolveHost), signal);
  // The body format of Standard Webhooks.
  const body = JSON.stringify({ type: event, timestamp: delivery.at, data });
  return post({
    url,
    addresses,
    headers: {
      "user-agent": `soniq-drizzle/${version}`,
      ...headers,
      ...buildSignatureHeaders({ id, at, body }, secrets),
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
    },
    body,
    signal,
  });
}

/** Rejects as soon as the signal aborts, since a DNS lookup takes no signal. */
function rejectOnAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/**
 * Ignores an error of the breaker's statement. Throwing it would retry the job, and so send a delivered webhook again.
 */
async function ignoreError(recording: Promise<void>): Promise<void> {
  await recording.catch(() => {});
}

function createNoAnswerError(error: unknown, durationMs: number, timeoutMs: number): DeliveryFailed {
  const isTimeout = (error as { name?: unknown }).name === "TimeoutError" || findErrorCode(error) === "ABORT_ERR";
  const reason = isTimeout ? `no answer within ${timeoutMs} ms` : describeError(error);
  return new DeliveryFailed(`not delivered: ${reason}`, { durationMs }, 0, { cause: error });
}

function createRefusalError({ status, excerpt, retryAfterMs }: Answer, durationMs: number): DeliveryFailed {
  const excerptPart = excerpt ? `: ${sanitizeText(excerpt, 200)}` : "";
  const details = { status, durationMs, excerpt };
  return new DeliveryFailed(`the receiver answered ${status}${excerptPart}`, details, retryAfterMs);
}
