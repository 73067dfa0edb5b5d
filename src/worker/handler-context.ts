import type { Duration } from "../core/duration.js";
import type { ClaimedJob } from "../jobs/claim.js";
import { Cancel, Discard, Snooze } from "../jobs/directives.js";
import type { JobContext } from "../jobs/job-context.js";

/** What the handler of one attempt gets beside the payload. What few handlers ask for is made when it is asked for. */
export class HandlerContext implements JobContext {
  readonly id: number;
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly transaction: JobContext["transaction"];
  readonly #job: ClaimedJob;
  readonly #signal: () => AbortSignal;
  #tags: readonly string[] | undefined;
  #meta: Readonly<Record<string, unknown>> | undefined;

  constructor(job: ClaimedJob, signal: () => AbortSignal, transaction: JobContext["transaction"]) {
    this.id = job.id;
    this.name = job.name;
    this.queue = job.queue;
    this.attempt = job.attempt;
    this.maxAttempts = job.maxAttempts;
    this.transaction = transaction;
    this.#job = job;
    this.#signal = signal;
  }

  get tags(): readonly string[] {
    this.#tags ??= JSON.parse(this.#job.tags) as string[];
    return this.#tags;
  }

  get meta(): Readonly<Record<string, unknown>> {
    this.#meta ??= JSON.parse(this.#job.meta) as Record<string, unknown>;
    return this.#meta;
  }

  get signal(): AbortSignal {
    return this.#signal();
  }

  snooze(delay: Duration): Snooze {
    return new Snooze(delay);
  }

  cancel(reason: string): Cancel {
    return new Cancel(reason);
  }

  discard(reason: string): Discard {
    return new Discard(reason);
  }
}
