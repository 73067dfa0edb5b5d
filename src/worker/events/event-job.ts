import type { ClaimedJob } from "../../jobs/claim/claim.js";

/**
 * A job as worker events show it. `payload`, `tags` and `meta` are parsed when they are read. `JSON.stringify` leaves the payload
 * out, so that logging an event does not log what a job carries.
 *
 * @example
 * ```ts
 * import { defineConfig, type WorkerEvent } from "soniq-drizzle";
 *
 * const onEvent = (event: WorkerEvent) => {
 *   if (event.type === "dead" && event.job.tags.includes("billing")) console.error("page someone", event.job.id, event.error);
 * };
 * ```
 */
export class EventJob {
  readonly id: number;
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  /** The number of this attempt, from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** How many workers have crashed while they ran this job. */
  readonly crashes: number;
  /** How long the job had been due when it was claimed, in milliseconds; at most 24 days. */
  readonly waitMs: number;
  readonly #claimed: ClaimedJob;

  constructor(claimed: ClaimedJob) {
    this.id = claimed.id;
    this.name = claimed.name;
    this.queue = claimed.queue;
    this.priority = claimed.priority;
    this.attempt = claimed.attempt;
    this.maxAttempts = claimed.maxAttempts;
    this.crashes = claimed.crashes;
    this.waitMs = claimed.waitMs;
    this.#claimed = claimed;
  }

  /** The payload as it was enqueued, before validation. */
  get payload(): unknown {
    return JSON.parse(this.#claimed.payload);
  }

  get tags(): readonly string[] {
    return JSON.parse(this.#claimed.tags) as string[];
  }

  get meta(): Readonly<Record<string, unknown>> {
    return JSON.parse(this.#claimed.meta) as Record<string, unknown>;
  }

  toJSON(): object {
    return { ...this, tags: this.tags, meta: this.meta };
  }
}
