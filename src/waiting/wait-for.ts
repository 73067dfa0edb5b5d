import { type Duration, parseDurationMs } from "../core/duration.js";
import { SoniqError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import type { JobDefinition } from "../jobs/definition/define-job.js";
import { findResult, type JobResult } from "../jobs/read/get-result.js";
import { idOf, type JobHandle } from "../jobs/row/job-handle.js";
import type { ResultListener } from "./result-listener.js";

/** Options of {@link waitFor}. */
export interface WaitOptions {
  /** How long to wait; after that, the result is still `pending`. Default: until the job has finished. */
  readonly timeout?: Duration;
  /** Aborts the wait, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Notifies the wait immediately when the job finishes. Without a listener the wait only polls: first after 50 ms, then less
   * often, up to every second.
   */
  readonly listener?: ResultListener;
}

const firstPollMs = 50;
const maxPollMs = 1_000;
const pollGrowth = 1.5;
/**
 * The request for a notification is repeated, for workers that started since or have dropped it, and the listener's connection
 * is verified.
 */
const minRingIntervalMs = 10_000;

/**
 * Waits until a job has finished: it is completed, dead, cancelled, or deleted. A job that fails and will be retried has not finished.
 * The wait polls the job by primary key.
 *
 * @param db any Drizzle PostgreSQL database, but not a transaction
 * @param job the job's definition
 * @param handle the job's id, or the return value of `enqueue`
 * @returns the job's result; `pending` if the timeout expired first
 * @throws SoniqError on a transaction
 * @throws InvalidValueError if the definition's validator rejects the job's result
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
      `job ${job.name} #${id}: waitFor was called on a transaction, but no worker sees the job before the transaction has committed: call waitFor after the commit`,
    );
  const deadlineMs = timeout === undefined ? Infinity : performance.now() + parseDurationMs(timeout, "timeout");
  const alarm = new Alarm();
  signal?.addEventListener("abort", alarm.ring);
  const unwatch = listener?.watch(id, alarm.ring);
  let ringAt = 0;
  try {
    for (let pollMs = firstPollMs; ; pollMs = Math.min(maxPollMs, pollGrowth * pollMs)) {
      signal?.throwIfAborted();
      const now = performance.now();
      const shouldRing = listener?.listening === true && now >= ringAt;
      if (shouldRing) ringAt = now + minRingIntervalMs;
      const result = await findResult(db, job, id, shouldRing);
      const leftMs = deadlineMs - performance.now();
      if (result.status !== "pending" || leftMs <= 0) return result;
      if (shouldRing || !listener?.listening) listener?.listen();
      await alarm.sleep(Math.min(pollMs, leftMs));
    }
  } finally {
    signal?.removeEventListener("abort", alarm.ring);
    unwatch?.();
  }
}

/**
 * A sleep that can be interrupted before it begins: a notification that arrives while the result is read must end the next
 * sleep.
 */
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
