import type { Queryable } from "../../core/queryable.js";
import { statementTimeoutMs } from "../../database/client.js";
import { findUnansweredClaims, findOwned } from "../../jobs/claim/ownership.js";
import type { WorkerEventListener } from "../events/events.js";
import type { QueueWorker } from "../queue/queue-worker.js";
import type { Settler } from "../settle/settler.js";
import type { WorkerSession } from "./worker-session.js";

/** The worker whose jobs are looked after. */
interface Watched {
  readonly session: WorkerSession;
  readonly queues: readonly QueueWorker[];
  readonly settler: Settler;
  readonly emit: WorkerEventListener;
}

/** Compares what a worker has in hand with what is its session's by PostgreSQL, with each beat and whenever it is told to. */
export class OwnershipWatch {
  #searchUnansweredUntil = 0;

  /** @param db over the connection of the beats: that of the claims may be what does not answer */
  constructor(
    private readonly db: Queryable,
    private readonly leaseMs: number,
    private readonly worker: Watched,
  ) {}

  async afterBeat(): Promise<void> {
    await this.compare();
    if (performance.now() < this.#searchUnansweredUntil) await this.#releaseUnanswered();
  }

  /** Interrupts the jobs that were taken from this session, and those that should be cancelled. */
  async compare(): Promise<void> {
    const { queues, session } = this.worker;
    const workerId = session.id;
    // Only what was held before asking: a job that is claimed meanwhile would look taken.
    const asked = new Set(queues.flatMap((queue) => queue.held()));
    try {
      const owned = await findOwned(
        this.db,
        workerId,
        [...asked].map(({ id }) => id),
      );
      const byId = new Map(owned.map((one) => [one.id, one]));
      for (const queue of queues) {
        queue.interrupt(
          "taken",
          (job, claimedBy) =>
            asked.has(job) && claimedBy === workerId && byId.get(job.id)?.claimToken !== job.claimToken,
        );
        queue.interrupt("cancel", (job) => asked.has(job) && byId.get(job.id)?.cancelRequested === true);
      }
    } catch (error) {
      this.worker.emit({ type: "error", operation: "asking which jobs are cancelled", error });
    }
  }

  /** A claim may have been made although it was not answered: its jobs would stay with this session for ever. */
  claimFailed(): void {
    this.#searchUnansweredUntil = performance.now() + 2 * statementTimeoutMs + this.leaseMs;
  }

  async #releaseUnanswered(): Promise<void> {
    const { queues, session, settler } = this.worker;
    const known = queues.flatMap((queue) => queue.known());
    const workerId = session.id;
    const unanswered = await findUnansweredClaims(this.db, workerId, known, statementTimeoutMs);
    for (const claim of unanswered)
      void settler.settle(workerId, { ...claim, outcome: { kind: "released", delayMs: 0 } });
  }
}
