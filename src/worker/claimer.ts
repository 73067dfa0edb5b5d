import type { Queryable } from "../core/queryable.js";
import { claim, type ClaimedJob } from "../jobs/claim.js";
import { ClaimMarks, fromTheBeginning, type Mark } from "../jobs/claim-marks.js";
import { Histogram } from "../stats/histogram.js";
import type { Settings } from "./settings.js";
import { Unanswered } from "./unanswered.js";

/** Buffered jobs are given back after this time. */
export const longestBufferMs = 2_000;
const shortestLookIntervalMs = 1_000;
/** A look from the beginning may take one part in so many of the time. */
const lookBudget = 20;

/**
 * Claims from one queue, starting where it claimed last, and looking from the beginning now and then: what committed late
 * or was locked lies behind the marks. A look walks all that was claimed since the oldest snapshot, so it is budgeted.
 *
 * During a backlog a look ends at the marks. What lies before them, other workers claim at that moment, and of a row that
 * changes after its snapshot was taken, a claim holds the lock for nothing: their settles would wait for it.
 */
export class Claimer {
  /** How many jobs the claims brought that brought any. */
  readonly sizes = new Histogram();
  readonly unanswered = new Unanswered();
  #marks = new ClaimMarks();
  readonly #deadlines: string;
  readonly #defaultDeadlineMs: number;
  #nextLook = 0;
  /** The last claim brought all it asked for. */
  #backlog = false;

  constructor(
    private readonly db: Queryable,
    private readonly queue: string,
    { runnables, timeoutGraceMs }: Settings,
    private readonly flushesLater: () => boolean,
    /** The token of the next claim. */
    private readonly nextToken: () => number,
  ) {
    const slack = longestBufferMs + 2 * timeoutGraceMs;
    const timeouts = [...runnables].map(([name, { timeoutMs }]) => [name, timeoutMs + slack] as const);
    this.#deadlines = JSON.stringify(Object.fromEntries(timeouts));
    this.#defaultDeadlineMs = 60_000 + slack;
  }

  async claim(workerId: string, limit: number): Promise<ClaimedJob[]> {
    const marks = this.#marks;
    if (performance.now() >= this.#nextLook) {
      const until = this.#backlog ? marks.starts() : undefined;
      const found = await this.#look(workerId, limit, until);
      if (found.length > 0 || !until) return this.#keepingMarks(marks, found, limit);
    }
    return this.#keepingMarks(marks, await this.#claim(workerId, limit, marks.starts()), limit);
  }

  /** Starts from the beginning, as a new one would: many jobs went back to places behind the marks. */
  startAnew(): void {
    this.#marks = new ClaimMarks();
  }

  #keepingMarks(marks: ClaimMarks, claimed: ClaimedJob[], limit: number): ClaimedJob[] {
    marks.advance(claimed);
    if (claimed.length > 0) this.sizes.add(claimed.length);
    this.#backlog = claimed.length === limit;
    return claimed;
  }

  async #look(workerId: string, limit: number, until: readonly Mark[] | undefined): Promise<ClaimedJob[]> {
    // One at a time.
    this.#nextLook = Infinity;
    const began = performance.now();
    try {
      return await this.#claim(workerId, limit, fromTheBeginning, until);
    } finally {
      // Also when it failed: the claims between two looks must go on.
      const now = performance.now();
      this.#nextLook = now + Math.max(shortestLookIntervalMs, lookBudget * (now - began));
    }
  }

  #claim(workerId: string, limit: number, from: readonly Mark[], until?: readonly Mark[]): Promise<ClaimedJob[]> {
    const claiming = claim(this.db, {
      workerId,
      claimToken: this.nextToken(),
      queue: this.queue,
      limit,
      from,
      ...(until && { until }),
      deadlines: this.#deadlines,
      defaultDeadlineMs: this.#defaultDeadlineMs,
      flushesLater: this.flushesLater(),
    });
    return this.unanswered.during(claiming);
  }
}
