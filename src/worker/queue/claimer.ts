import { isRefusal } from "../../core/failure.js";
import type { Queryable } from "../../core/queryable.js";
import { type Claim, claimBatch, type ClaimedJob, claimThese } from "../../jobs/claim/claim.js";
import { findClaimable } from "../../jobs/claim/claimable.js";
import { ClaimPositions, fromTheBeginning, type ClaimPosition } from "../../jobs/claim/claim-positions.js";
import { Histogram } from "../../stats/histogram.js";
import { maxBufferMs } from "./claim-buffer.js";
import { ClaimSize } from "./claim-size.js";
import type { WorkerEventListener } from "../events/events.js";
import { ScanTimes } from "../timing/scan-times.js";
import { RefusedRows } from "../settle/refused-rows.js";
import type { Settings } from "../settings/settings.js";
import { Unanswered } from "../settle/unanswered.js";

/** After so many refused statements in a row the search for the refused rows begins again with the next claim. */
const maxRefusalsInARow = 32;
/** Of jobs among which refused ones are searched for: others are claimed meanwhile. */
const maxSuspects = 2_000;

/** The jobs that a claim brought, in order. */
export interface Claimed {
  readonly jobs: ClaimedJob[];
  /** It brought all it asked for: then there is more. */
  readonly isFull: boolean;
}

/** Where a claim starts, and before which marks it ends. */
interface Ranges {
  readonly from: readonly ClaimPosition[];
  readonly until?: readonly ClaimPosition[];
}

/**
 * Claims from one queue, starting where it claimed last, and looking from the beginning now and then: what committed late
 * or was locked lies behind the marks. A look walks all that was claimed since the oldest snapshot, so it is budgeted. One that
 * finds more than it may claim is gone on with at once, from where it ended.
 *
 * During a backlog a look ends at the marks. What lies before them, other workers claim at that moment, and of a row that
 * changes after its snapshot was taken, a claim holds the lock for nothing: their settles would wait for it.
 *
 * Where PostgreSQL refuses a claim, a row of it may be the cause. The jobs it would have brought are left out of the next claims,
 * and claimed beside them in halves ({@link claimSuspects}), down to the rows that are refused.
 */
export class Claimer {
  /** How many jobs the claims brought that brought any. */
  readonly sizes = new Histogram();
  readonly unanswered = new Unanswered();
  #marks = new ClaimPositions();
  readonly #deadlines: string;
  readonly #defaultDeadlineMs: number;
  readonly #looks = new ScanTimes();
  readonly #size = new ClaimSize();
  /** The last claim brought all it asked for. */
  #backlog = false;
  readonly #refused: RefusedRows;
  /** Jobs of refused claims, to be claimed group by group. */
  #suspects: (readonly number[])[] = [];
  #refusalsInARow = 0;
  /** Somebody said that there are jobs, and nothing was claimed since. */
  #isHinted = false;

  constructor(
    private readonly db: Queryable,
    private readonly queue: string,
    { runnables, timeoutGraceMs }: Settings,
    private readonly flushesLater: () => boolean,
    emit: WorkerEventListener,
    /** The token of the next claim. */
    private readonly nextToken: () => number,
  ) {
    const slack = maxBufferMs + 2 * timeoutGraceMs;
    const timeouts = [...runnables].map(([name, { timeoutMs }]) => [name, timeoutMs + slack] as const);
    this.#deadlines = JSON.stringify(Object.fromEntries(timeouts));
    this.#defaultDeadlineMs = 60_000 + slack;
    this.#refused = new RefusedRows((id) => `claiming job ${id} of ${queue}`, emit);
  }

  async claim(workerId: string, wanted: number): Promise<Claimed> {
    const positions = this.#marks;
    if (this.#looks.isDue()) {
      const found = await this.#look(workerId, wanted, positions, this.#backlog ? positions.starts() : undefined);
      if (found.jobs.length > 0 || !this.#backlog) return this.#keepingMarks(positions, found);
    }
    const from = positions.starts();
    const found = await this.#claim(workerId, wanted, { from });
    if (positions.isBehind) positions.goOn(from, found.jobs, found.isFull);
    if (found.jobs.length > 0 || !this.#isHinted || !this.#looks.isDue(this.#isHinted))
      return this.#keepingMarks(positions, found);
    return this.#keepingMarks(positions, await this.#look(workerId, wanted, positions));
  }

  /** There may be work: if it is not ahead of the marks, it lies behind them. */
  wakeUp(): void {
    this.#isHinted = true;
  }

  /** Starts from the beginning, as a new one would: many jobs may lie behind the marks, or the marks in the future. */
  reset(): void {
    this.#marks = new ClaimPositions();
  }

  /** Whether jobs are left out of the claims that should be claimed beside them, or tried again. */
  hasSuspects(): boolean {
    return this.#suspects.length > 0 || this.#refused.hasDue();
  }

  /** Claims some of the jobs that were left out; where that is refused, the next calls claim each half of them. */
  async claimSuspects(workerId: string): Promise<Claimed> {
    if (this.#suspects.length === 0) this.#suspects.push(this.#refused.takeDue());
    const ids = this.#suspects[0] as readonly number[];
    let claim: Claim = { jobs: [], isCut: false };
    try {
      claim = await claimThese(this.db, { ids, ...this.#input(workerId) });
      this.#refusalsInARow = 0;
      this.#replaceSuspects(ids);
      this.#refused.delete(ids);
      if (claim.jobs.length > 0) this.#refused.acceptedSome();
    } catch (error) {
      // Nothing is known of them then: the next claim tells.
      if (!isRefusal(error) || ++this.#refusalsInARow > maxRefusalsInARow) {
        this.#suspects = [];
        this.#refusalsInARow = 0;
        throw error;
      }
      const half = Math.ceil(ids.length / 2);
      if (ids.length > 1) this.#replaceSuspects(ids, ids.slice(0, half), ids.slice(half));
      else {
        this.#replaceSuspects(ids);
        this.#refused.add(ids[0] as number, error);
      }
    }
    return { jobs: this.#count(claim.jobs), isFull: false };
  }

  async #look(
    workerId: string,
    wanted: number,
    positions: ClaimPositions,
    until?: readonly ClaimPosition[],
  ): Promise<Claimed> {
    this.#isHinted = false;
    const ranges = { from: fromTheBeginning, ...(until && { until }) };
    const found = await this.#looks.time(() => this.#claim(workerId, wanted, ranges));
    if (found.isFull) positions.goOn(fromTheBeginning, found.jobs, true);
    return found;
  }

  #replaceSuspects(ids: readonly number[], ...by: (readonly number[])[]): void {
    this.#suspects = [...by, ...this.#suspects.filter((group) => group !== ids)];
  }

  #keepingMarks(positions: ClaimPositions, { jobs, isFull }: Claimed): Claimed {
    positions.advance(jobs);
    this.#backlog = isFull;
    if (jobs.length > 0) this.#isHinted = false;
    return { jobs: this.#count(jobs), isFull };
  }

  #count(jobs: ClaimedJob[]): ClaimedJob[] {
    if (jobs.length > 0) this.sizes.add(jobs.length);
    return jobs;
  }

  async #claim(workerId: string, wanted: number, ranges: Ranges): Promise<Claimed> {
    const limit = this.#size.limit(wanted);
    const except = [...this.#suspects.flat(), ...this.#refused.ids];
    try {
      const input = { ...this.#input(workerId), ...ranges, limit, except };
      const { jobs, isCut } = await this.unanswered.during(claimBatch(this.db, input));
      this.#size.succeeded(limit, isCut ? jobs.length : undefined);
      if (jobs.length > 0) this.#refused.acceptedSome();
      return { jobs, isFull: isCut || jobs.length === limit };
    } catch (error) {
      this.#size.failed(limit);
      if (isRefusal(error)) await this.#suspect(ranges, limit, except);
      throw error;
    }
  }

  async #suspect(ranges: Ranges, limit: number, except: readonly number[]): Promise<void> {
    if (except.length >= maxSuspects) return;
    const ids = await findClaimable(this.db, { queue: this.queue, ...ranges, limit, except });
    if (ids.length > 0) this.#suspects.push(ids);
  }

  #input(workerId: string) {
    return {
      workerId,
      claimToken: this.nextToken(),
      queue: this.queue,
      maxBytes: this.#size.maxBytes,
      deadlines: this.#deadlines,
      defaultDeadlineMs: this.#defaultDeadlineMs,
      flushesLater: this.flushesLater(),
    };
  }
}
