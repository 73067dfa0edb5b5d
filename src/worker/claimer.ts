import type { Queryable } from "../core/queryable.js";
import { claim, type ClaimedJob } from "../jobs/claim.js";
import { ClaimMarks, fromTheBeginning, type Mark } from "../jobs/claim-marks.js";
import { graceMs } from "./run.js";
import type { Settings } from "./settings.js";

/** Buffered jobs are given back after this time. */
export const longestBufferMs = 2_000;
const shortestLookIntervalMs = 1_000;
/** A look from the beginning may take one part in so many of the time. */
const lookBudget = 20;

/**
 * Claims from one queue, starting where it claimed last, and looking from the beginning now and then: what committed late
 * or was locked lies behind the marks. A look walks all that was claimed since the oldest snapshot, so it is budgeted.
 */
export class Claimer {
  readonly #marks = new ClaimMarks();
  readonly #deadlines: string;
  readonly #defaultDeadlineMs: number;
  #nextLook = 0;

  constructor(
    private readonly db: Queryable,
    private readonly queue: string,
    { runnables }: Settings,
  ) {
    const slack = longestBufferMs + 2 * graceMs;
    const timeouts = [...runnables].map(([name, { timeoutMs }]) => [name, timeoutMs + slack] as const);
    this.#deadlines = JSON.stringify(Object.fromEntries(timeouts));
    this.#defaultDeadlineMs = 60_000 + slack;
  }

  async claim(workerId: string, limit: number): Promise<ClaimedJob[]> {
    const look = performance.now() >= this.#nextLook;
    const claimed = await (look ? this.#look(workerId, limit) : this.#claimFrom(this.#marks.starts(), workerId, limit));
    this.#marks.advance(claimed);
    return claimed;
  }

  async #look(workerId: string, limit: number): Promise<ClaimedJob[]> {
    const began = performance.now();
    try {
      return await this.#claimFrom(fromTheBeginning, workerId, limit);
    } finally {
      // Also when it failed: the claims between two looks must go on.
      const now = performance.now();
      this.#nextLook = now + Math.max(shortestLookIntervalMs, lookBudget * (now - began));
    }
  }

  #claimFrom(from: readonly Mark[], workerId: string, limit: number): Promise<ClaimedJob[]> {
    return claim(this.db, {
      workerId,
      queue: this.queue,
      limit,
      from,
      deadlines: this.#deadlines,
      defaultDeadlineMs: this.#defaultDeadlineMs,
    });
  }
}
