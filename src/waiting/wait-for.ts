import { type Duration, parseDuration } from "../core/duration.js";
import { SoniqError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import type { JobDefinition } from "../jobs/definition/define-job.js";
import { findResult, type JobResult } from "../jobs/read/get-result.js";
import { idOf, type JobHandle } from "../jobs/row/job-handle.js";
import type { ResultListener } from "./result-listener.js";

/** How to wait for a job. */
export interface WaitOptions {
  /** How long: then the result is `pending` still. Default: until the job has finished. */
  readonly timeout?: Duration;
  /** Gives up, with its reason as the error. */
  readonly signal?: AbortSignal;
  /** Learns at once that the job has finished. Without one the wait is polling alone: after 50 ms, then less often, then every second. */
  readonly listener?: ResultListener;
}

const firstPollMs = 50;
const maxPollMs = 1_000;
const growth = 1.5;
/** A worker that began since, or that has heard of too many, is told again; and the listener is looked after. */
const ringEveryMs = 10_000;

/**
 * Waits until a job has finished: completed, dead, cancelled, or gone. One that fails and is tried again has not. Each wait
 * reads its job by primary key as often as the options say.
 *
 * @param db any Drizzle PostgreSQL database, but no transaction
 * @param handle the job's id, or what `enqueue` returned
 * @returns what became of it; `pending` if the timeout came first
 * @throws SoniqError on a transaction
 * @throws InvalidValueError if the job's result is none that the definition's validator takes
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function waitFor<Name extends string, In, Out, ResultIn, ResultOut>(
  db: Queryable,
  job: JobDefinition<Name, In, Out, ResultIn, ResultOut>,
  handle: JobHandle<NoInfer<Name>>,
  { timeout, signal, listener }: WaitOptions = {},
): Promise<JobResult<ResultOut>> {
  const id = idOf(handle);
  if ("rollback" in db)
    throw new SoniqError(
      `job ${job.name} #${id}: waitFor was called on a transaction: until that has committed, no worker sees what it has enqueued. Wait after it`,
    );
  const until = timeout === undefined ? Infinity : performance.now() + parseDuration(timeout, "timeout");
  const alarm = new Alarm();
  signal?.addEventListener("abort", alarm.ring);
  const unwatch = listener?.watch(id, alarm.ring);
  let ringAt = 0;
  try {
    for (let pollMs = firstPollMs; ; pollMs = Math.min(maxPollMs, growth * pollMs)) {
      signal?.throwIfAborted();
      const now = performance.now();
      const rings = listener?.listening === true && now >= ringAt;
      if (rings) ringAt = now + ringEveryMs;
      const result = await findResult(db, job, id, rings);
      const leftMs = until - performance.now();
      if (result.status !== "pending" || leftMs <= 0) return result;
      if (rings || !listener?.listening) listener?.listen();
      await alarm.sleep(Math.min(pollMs, leftMs));
    }
  } finally {
    signal?.removeEventListener("abort", alarm.ring);
    unwatch?.();
  }
}

/** Ends a sleep, also one that has not begun: what is heard while the result is read must not be slept over. */
class Alarm {
  #rung = false;
  #wake: () => void = () => {};

  readonly ring = (): void => {
    this.#rung = true;
    this.#wake();
  };

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((wake) => {
      if (this.#rung) return wake();
      const timer = setTimeout(wake, ms);
      this.#wake = () => {
        clearTimeout(timer);
        wake();
      };
    });
    this.#rung = false;
  }
}
