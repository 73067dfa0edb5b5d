import type { Queryable } from "../../core/queryable.js";
import { ringIntervalMs } from "../../sessions/doorbell.js";
import { maxNotifiedJobs, notifyFinished } from "../../sessions/notify-finished.js";
import { pause } from "../timing/periodic-tasks.js";
import type { WorkerEventListener, WorkerEvent } from "../events/events.js";

/** A process that still waits for a result rings again within this time. */
const interestMs = 30_000;
const maxRememberedJobs = 10_000;

/**
 * Notifies processes that wait for a job's result when this worker has finished the job. It notifies only of jobs that a process has
 * rung for, since each NOTIFY takes a database-wide lock.
 */
export class Waiters {
  /** The time until which a process is assumed to wait, by job id. Jobs that were rung for last come last. */
  readonly #expiryById = new Map<number, number>();
  #finished: number[] = [];
  #isNotifying = false;

  constructor(
    private readonly db: Queryable,
    private readonly emit: WorkerEventListener,
  ) {}

  /** Remembers that a process waits for this job. Any worker may run it. */
  remember(id: number): void {
    const now = performance.now();
    this.#expiryById.delete(id);
    this.#expiryById.set(id, now + interestMs);
    for (const [oldest, until] of this.#expiryById) {
      if (until > now && this.#expiryById.size <= maxRememberedJobs) return;
      this.#expiryById.delete(oldest);
    }
  }

  /** Queues a notification if the event ends a job that a process waits for. */
  receive(event: WorkerEvent): void {
    if (this.#expiryById.size === 0) return;
    if (event.type === "rescued") for (const { id, state } of event.jobs) this.#recordEnd(id, state);
    else if ("state" in event) this.#recordEnd(event.job.id, event.state);
  }

  #recordEnd(id: number, state: string): void {
    if (state === "queued" || !this.#expiryById.delete(id)) return;
    this.#finished.push(id);
    if (!this.#isNotifying) void this.#notifyAll();
  }

  async #notifyAll(): Promise<void> {
    this.#isNotifying = true;
    while (this.#finished.length > 0) {
      try {
        await notifyFinished(this.db, this.#finished.splice(0, maxNotifiedJobs));
      } catch (error) {
        this.emit({
          type: "error",
          operation: "notifying of finished jobs: waiting processes poll for the results",
          error,
        });
      }
      await pause(ringIntervalMs, neverAborted);
    }
    this.#isNotifying = false;
  }
}

const neverAborted = new AbortController().signal;
