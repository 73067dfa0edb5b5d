import type { AttemptRunner } from "./attempt-runner.js";
import type { Settler } from "../settle/settler.js";

/** The engine opens at most 4 connections, and each claim needs one. */
const maxParallelClaims = 4;

/** Decides how many jobs of a queue to claim next, from the number of free slots and the rate at which jobs end. */
export class ClaimPacer {
  /** How many claims in a row were full: they returned as many jobs as they requested. */
  #fullClaims = 0;
  /** How many jobs the claims of {@link QueueWorker}'s slots have requested and not received yet. */
  #expectedJobs = 0;

  constructor(
    private readonly concurrency: number,
    private readonly batchSize: number,
    private readonly runner: AttemptRunner,
    private readonly settler: Settler,
  ) {}

  /** Records the answer to a claim, or to several parallel claims. @param isFull whether all of them were full */
  recordClaim(isFull: boolean): void {
    this.#fullClaims = isFull ? this.#fullClaims + 1 : 0;
  }

  /** Whether more jobs are due than were claimed. */
  get hasBacklog(): boolean {
    return this.#fullClaims > 0;
  }

  /** Whether the backlog has lasted for more than one claim. */
  get hasSustainedBacklog(): boolean {
    return this.#fullClaims > 1;
  }

  /** Counts the jobs to claim: one for each free slot, and one for each job that is about to end. */
  countRoom(): number {
    const { batchSize, runner } = this;
    if (!this.settler.isKeepingUp || runner.isHeavy) return 0;
    if (runner.settling > 4 * batchSize) return 0;
    const freeSlots = this.#countFreeSlots();
    // Buffers up to two claims: the jobs of one run while the next claim is in flight. Claims of single jobs gain nothing from that.
    const aheadJobs = batchSize === 1 ? 0 : Math.min(2 * batchSize, runner.countEndsPerWindow());
    // A claim pays off only when a slot is free or the buffer is half empty.
    if (freeSlots - runner.waiting <= 0 && runner.waiting > aheadJobs / 2) return 0;
    return Math.max(0, freeSlots + aheadJobs - runner.waiting);
  }

  /** Whether a slot whose job has just ended should claim the next job in the statement that settles this one. */
  get claimsWithSettle(): boolean {
    if (this.batchSize > 1 || !this.hasBacklog || !this.settler.isKeepingUp || this.runner.isHeavy) return false;
    return this.#countFreeSlots() - this.runner.waiting > 0;
  }

  /** Counts a claim of one job as expected until it is answered. */
  async expectJob(claim: Promise<boolean>): Promise<boolean> {
    this.#expectedJobs += 1;
    try {
      return await claim;
    } finally {
      this.#expectedJobs -= 1;
    }
  }

  #countFreeSlots(): number {
    return this.concurrency - this.runner.running - this.#expectedJobs;
  }

  /** Counts the claims of `limit` jobs to send in parallel: several during a backlog, if one claim cannot fill the free slots. */
  countParallelClaims(limit: number): number {
    if (!this.hasBacklog) return 1;
    const freeSlots = this.#countFreeSlots() - this.runner.waiting;
    return Math.min(maxParallelClaims, Math.max(1, Math.floor(freeSlots / limit)));
  }
}
