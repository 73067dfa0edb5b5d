import * as v from "valibot";
import { DetailedError } from "../jobs/row/error-record.js";
import { defineJob } from "../jobs/definition/define-job.js";

/** The queue that deliveries wait in. */
export const deliveryQueue = "webhooks";

const [second, minute, hour] = [1_000, 60_000, 3_600_000];
/** After each failed attempt, as Standard Webhooks suggests: three days in all. */
const scheduleMs = [
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

/** Each wait is up to a fifth longer, at random. */
const jitter = 0.2;

const deliveryAttempts = scheduleMs.length + 1;

/** Sends one event to one endpoint. The index `soniq_jobs_delivery` finds them by the name and the payload's `endpoint`. */
export const deliveryJob = defineJob({
  name: "soniq.webhook",
  queue: deliveryQueue,
  payload: v.object({
    endpoint: v.pipe(v.string(), v.uuid()),
    event: v.string(),
    /** The message's: the same for each attempt, and for each endpoint. */
    id: v.string(),
    /** When it was published. */
    at: v.string(),
    data: v.unknown(),
  }),
  result: v.object({ status: v.number(), durationMs: v.number(), excerpt: v.string() }),
  maxAttempts: deliveryAttempts,
  backoff: (attempt, error) => {
    const ownMs = (scheduleMs[attempt - 1] ?? 24 * hour) * (1 + jitter * Math.random());
    return Math.max(ownMs, error instanceof DeliveryFailed ? error.retryAfterMs : 0);
  },
});

/** What is known of an attempt that failed. */
export interface FailureDetails {
  readonly [name: string]: string | number;
  readonly durationMs: number;
}

/** The receiver did not take it. */
export class DeliveryFailed extends DetailedError {
  override readonly name = "DeliveryFailed";

  /** @param retryAfterMs how long the receiver asks to wait */
  constructor(
    message: string,
    details: FailureDetails,
    readonly retryAfterMs = 0,
    options?: ErrorOptions,
  ) {
    super(message, details, options);
    // Kept with each attempt, it would say nothing of the receiver.
    delete this.stack;
  }
}
