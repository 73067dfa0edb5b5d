import * as v from "valibot";
import { DetailedError } from "../jobs/row/error-record.js";
import { defineJob } from "../jobs/definition/define-job.js";

/** The queue of all deliveries. */
export const deliveryQueue = "webhooks";

const [second, minute, hour] = [1_000, 60_000, 3_600_000];
/** The delay after each failed attempt, as Standard Webhooks suggests: three days in all. */
const retryDelaysMs = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
];

/** Each delay is extended by a random share of up to this fraction. */
const jitterFraction = 0.2;

const maxDeliveryAttempts = retryDelaysMs.length + 1;

/**
 * Sends one event to one endpoint. The index `soniq_jobs_delivery` covers the job's name and the payload's `endpoint`.
 */
export const deliveryJob = defineJob({
  name: "soniq.webhook",
  queue: deliveryQueue,
  payload: v.object({
    endpoint: v.pipe(v.string(), v.uuid()),
    event: v.string(),
    /** The id of the message: the same for each attempt and each endpoint. */
    id: v.string(),
    /** When the event was published. */
    at: v.string(),
    data: v.unknown(),
  }),
  result: v.object({ status: v.number(), durationMs: v.number(), excerpt: v.string() }),
  maxAttempts: maxDeliveryAttempts,
  backoff: (attempt, error) => {
    const delayMs = (retryDelaysMs[attempt - 1] ?? 24 * hour) * (1 + jitterFraction * Math.random());
    return Math.max(delayMs, error instanceof DeliveryFailed ? error.retryAfterMs : 0);
  },
});

/** Details of a failed attempt. */
export interface FailureDetails {
  readonly [name: string]: string | number;
  readonly durationMs: number;
}

/** An attempt failed: the receiver did not accept the webhook. */
export class DeliveryFailed extends DetailedError {
  override readonly name = "DeliveryFailed";

  /** @param retryAfterMs the delay that the receiver asks for */
  constructor(
    message: string,
    details: FailureDetails,
    readonly retryAfterMs = 0,
    options?: ErrorOptions,
  ) {
    super(message, details, options);
    // The stack would be stored with each attempt, although it reveals nothing about the receiver.
    delete this.stack;
  }
}
