import type { Queryable } from "../../core/queryable.js";
import { statementTimeoutMs } from "../../database/client.js";
import { findUnansweredClaims, findOwned } from "../../jobs/claim/ownership.js";
import type { WorkerEventListener } from "../events/events.js";
import type { QueueWorker } from "../queue/queue-worker.js";
import type { Settler } from "../settle/settler.js";
import type { WorkerSession } from "./worker-session.js";

/** The worker whose jobs are checked. */
interface WatchedWorker {
  readonly session: WorkerSession;
  readonly queues: readonly QueueWorker[];
  readonly settler: Settler;
  readonly emit: WorkerEventListener;
}

/** Compares the jobs that a worker holds with the jobs that its session owns in PostgreSQL, after each heartbeat and on notification. */
export class OwnershipWatch {
  #searchUnansweredUntil = 0;

  /** @param db uses the connection of the heartbeats, since the connection of the claims may be the one that does not answer */
  constructor(
    private readonly db: Queryable,
    private readonly leaseMs: number,
    private readonly worker: WatchedWorker,
  ) {}

  async afterBeat(): Promise<void> {
    await this.compare();
    if (performance.now() < this.#searchUnansweredUntil) await this.#releaseUnanswered();
  }

  /** Interrupts the jobs that were taken from this session, and the jobs that should be cancelled. */
  async compare(): Promise<void> {
    const { queues, session } = this.worker;
    const workerId = session.id;
    // Considers only jobs that were held before the query. A job that is claimed meanwhile would seem to be taken.
    const heldBefore = new Set(queues.flatMap((queue) => queue.listHeldJobs()));
    try {
      const rows = await findOwned(
        this.db,
        workerId,
        [...heldBefore].map(({ id }) => id),
      );
      const byId = new Map(rows.map((row) => [row.id, row]));
      for (const queue of queues) {
        queue.interrupt(
          "taken",
          (job, claimedBy) =>
            heldBefore.has(job) && claimedBy === workerId && byId.get(job.id)?.claimToken !== job.claimToken,
        );
        queue.interrupt("cancel", (job) => heldBefore.has(job) && byId.get(job.id)?.cancelRequested === true);
      }
    } catch (error) {
      this.worker.emit({ type: "error", operation: "checking which jobs are cancelled", error });
    }
  }

  /** PostgreSQL may have executed the failed claim. Its jobs would then stay with this session forever, so this searches for them. */
  onClaimFailed(): void {
    this.#searchUnansweredUntil = performance.now() + 2 * statementTimeoutMs + this.leaseMs;
  }

  async #releaseUnanswered(): Promise<void> {
    const { queues, session, settler } = this.worker;
    const ownedJobs = queues.flatMap((queue) => queue.listOwnedJobs());
    const workerId = session.id;
    const unanswered = await findUnansweredClaims(this.db, workerId, ownedJobs, statementTimeoutMs);
    for (const claim of unanswered)
      void settler.settle(workerId, { ...claim, outcome: { kind: "released", delayMs: 0 } });
  }
}
