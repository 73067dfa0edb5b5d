import type { AttemptRunner } from "./attempt-runner.js";
import type { Settler } from "../settle/settler.js";

/** As many as the engine has connections. */
const maxClaimsAtOnce = 4;

/** Says how many jobs of a queue to claim next, by the slots that are free and the pace at which jobs end. */
export class ClaimPacer {
  /** How many claims in a row brought all they asked for. */
  #fullClaims = 0;

  constructor(
    private readonly concurrency: number,
    private readonly batchSize: number,
    private readonly runner: AttemptRunner,
    private readonly settler: Settler,
  ) {}

  /** A claim was answered, or several at once. @param full whether they brought all they asked for */
  answered(full: boolean): void {
    this.#fullClaims = full ? this.#fullClaims + 1 : 0;
  }

  /** Whether more jobs are due than were claimed. */
  get hasBacklog(): boolean {
    return this.#fullClaims > 0;
  }

  /** Whether that was so for more than one claim. */
  get hasLongBacklog(): boolean {
    return this.#fullClaims > 1;
  }

  /** How many more jobs to claim: for the free slots, and for as many more as are soon done. */
  room(): number {
    const { batchSize, runner } = this;
    if (!this.settler.isKeepingUp || runner.isHeavy) return 0;
    if (runner.settling > 4 * batchSize) return 0;
    const free = this.concurrency - runner.running;
    // Two claims' worth: while the jobs of one run, the next one is under way. Those of single jobs have no such worth.
    const ahead = batchSize === 1 ? 0 : Math.min(2 * batchSize, runner.endedPerWindow());
    // A claim is worth its while when a slot is free, or the buffer half empty.
    if (free - runner.waiting <= 0 && runner.waiting > ahead / 2) return 0;
    return Math.max(0, free + ahead - runner.waiting);
  }

  /** How many claims of so many jobs to send at once: several where a backlog is to fill more free slots than one claim can. */
  claimsAtOnce(limit: number): number {
    if (!this.hasBacklog) return 1;
    const free = this.concurrency - this.runner.running - this.runner.waiting;
    return Math.min(maxClaimsAtOnce, Math.max(1, Math.floor(free / limit)));
  }
}
