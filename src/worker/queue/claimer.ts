import { isRefusal } from "../../core/failure.js";
import type { Queryable } from "../../core/queryable.js";
import { type Claim, claimBatch, type ClaimedJob, claimByIds } from "../../jobs/claim/claim.js";
import { findClaimable } from "../../jobs/claim/claimable.js";
import { ClaimPositions, queueStart, type ClaimPosition } from "../../jobs/claim/claim-positions.js";
import { Histogram } from "../../stats/histogram.js";
import { maxBufferMs } from "./claim-buffer.js";
import { ClaimSize } from "./claim-size.js";
import type { WorkerEventListener } from "../events/events.js";
import { ScanTimes } from "../timing/scan-times.js";
import { RefusedRows } from "../settle/refused-rows.js";
import type { Settings } from "../settings/settings.js";
import type { SendClaim } from "../settle/pending-settlement.js";
import { OutageTimer } from "../settle/outage-timer.js";

/** After this many refused statements in a row, the search for the refused rows starts over with the next claim. */
const maxRefusalsInARow = 32;
/** The maximum number of jobs to search for refused rows at a time. The remaining jobs are claimed meanwhile. */
const maxSuspects = 2_000;

/** The jobs that a claim returned, in order. */
export interface ClaimResult {
  readonly jobs: ClaimedJob[];
  /** Whether the claim returned as many jobs as it requested, so that more jobs are probably due. */
  readonly isFull: boolean;
}

/** The positions at which a claim starts, and before which it ends. */
interface Ranges {
  readonly from: readonly ClaimPosition[];
  readonly until?: readonly ClaimPosition[];
}

/**
 * Claims jobs from one queue. A claim starts at the positions where the last claim ended. Jobs that committed late, or were locked,
 * lie behind these positions, so now and then a full scan starts at the beginning of the queue. A full scan walks all rows that were
 * claimed since the oldest snapshot, so its time is budgeted. If it finds more jobs than it may claim, the next claims continue
 * where it ended.
 *
 * During a backlog, a full scan ends at the claim positions. Other workers are claiming the jobs after them. If such a row changes
 * after the scan took its snapshot, the scan locks it for nothing, and the settles of those workers wait for the lock.
 *
 * If PostgreSQL refuses a claim, one of its rows may be the cause. The jobs that it would have returned become suspects: the next
 * claims skip them, and {@link claimSuspects} claims them by bisection, until only the refused rows are left.
 */
export class Claimer {
  /** How many jobs each claim returned. Empty claims are not counted. */
  readonly claimSizes = new Histogram();
  readonly outageTimer = new OutageTimer();
  #positions = new ClaimPositions();
  readonly #deadlines: string;
  readonly #defaultDeadlineMs: number;
  readonly #scanTimes = new ScanTimes();
  readonly #size = new ClaimSize();
  /** Whether the last claim was full. */
  #hasBacklog = false;
  readonly #refused: RefusedRows;
  /** The jobs of refused claims, in groups. Each group is claimed by itself. */
  #suspects: (readonly number[])[] = [];
  #refusalsInARow = 0;
  /** Whether a wake-up has announced jobs, and nothing has been claimed since. */
  #isHinted = false;
  readonly #sendClaim: SendClaim = (input) => claimBatch(this.db, input);

  constructor(
    private readonly db: Queryable,
    private readonly queue: string,
    { runnables, timeoutGraceMs }: Settings,
    private readonly canCommitAsync: () => boolean,
    emit: WorkerEventListener,
    /** Returns the token for the next claim. */
    private readonly nextToken: () => number,
  ) {
    const slackMs = maxBufferMs + 2 * timeoutGraceMs;
    const timeouts = [...runnables].map(([name, { timeoutMs }]) => [name, timeoutMs + slackMs] as const);
    this.#deadlines = JSON.stringify(Object.fromEntries(timeouts));
    this.#defaultDeadlineMs = 60_000 + slackMs;
    this.#refused = new RefusedRows((id) => `claiming job ${id} of ${queue}`, emit);
  }

  /** @param send sends the first statement. Default: it is sent by itself */
  async claim(workerId: string, room: number, send = this.#sendClaim): Promise<ClaimResult> {
    const positions = this.#positions;
    let sendNext = send;
    if (this.#scanTimes.isDue()) {
      const until = this.#hasBacklog ? positions.starts() : undefined;
      const result = await this.#fullScan(workerId, room, positions, until, send);
      if (result.jobs.length > 0 || !this.#hasBacklog) return this.#advance(positions, result);
      sendNext = this.#sendClaim;
    }
    const from = positions.starts();
    const result = await this.#claim(workerId, room, { from }, sendNext);
    if (positions.isBehind) positions.resumeFrom(from, result.jobs, result.isFull);
    if (result.jobs.length > 0 || !this.#isHinted || !this.#scanTimes.isDue(this.#isHinted))
      return this.#advance(positions, result);
    return this.#advance(positions, await this.#fullScan(workerId, room, positions));
  }

  /** Notes that the queue may have new jobs. If the next claim finds none after the claim positions, they lie behind them. */
  wakeUp(): void {
    this.#isHinted = true;
  }

  /** Resets the claim positions: many jobs may lie behind them, or the positions may lie in the future. */
  reset(): void {
    this.#positions = new ClaimPositions();
  }

  /** Whether claims skip jobs that should now be claimed separately, or tried again. */
  hasSuspects(): boolean {
    return this.#suspects.length > 0 || this.#refused.hasDue();
  }

  /** Claims one group of suspects. If PostgreSQL refuses the group, the next calls claim each half of it. */
  async claimSuspects(workerId: string): Promise<ClaimResult> {
    if (this.#suspects.length === 0) this.#suspects.push(this.#refused.takeDue());
    const ids = this.#suspects[0] as readonly number[];
    let claim: Claim = { jobs: [], isTruncated: false };
    try {
      claim = await claimByIds(this.db, { ids, ...this.#buildInput(workerId) });
      this.#refusalsInARow = 0;
      this.#replaceSuspects(ids);
      this.#refused.delete(ids);
      if (claim.jobs.length > 0) this.#refused.retrySuspects();
    } catch (error) {
      // This error says nothing about the suspects, so drop them. The next claim finds out whether PostgreSQL still refuses them.
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
    return { jobs: this.#recordSize(claim.jobs), isFull: false };
  }

  async #fullScan(
    workerId: string,
    room: number,
    positions: ClaimPositions,
    until?: readonly ClaimPosition[],
    send = this.#sendClaim,
  ): Promise<ClaimResult> {
    this.#isHinted = false;
    const ranges = { from: queueStart, ...(until && { until }) };
    const result = await this.#scanTimes.time(() => this.#claim(workerId, room, ranges, send));
    if (result.isFull) positions.resumeFrom(queueStart, result.jobs, true);
    return result;
  }

  #replaceSuspects(ids: readonly number[], ...groups: (readonly number[])[]): void {
    this.#suspects = [...groups, ...this.#suspects.filter((group) => group !== ids)];
  }

  #advance(positions: ClaimPositions, { jobs, isFull }: ClaimResult): ClaimResult {
    positions.advance(jobs);
    this.#hasBacklog = isFull;
    if (jobs.length > 0) this.#isHinted = false;
    return { jobs: this.#recordSize(jobs), isFull };
  }

  #recordSize(jobs: ClaimedJob[]): ClaimedJob[] {
    if (jobs.length > 0) this.claimSizes.add(jobs.length);
    return jobs;
  }

  async #claim(workerId: string, room: number, ranges: Ranges, send: SendClaim): Promise<ClaimResult> {
    const limit = this.#size.limit(room);
    const except = [...this.#suspects.flat(), ...this.#refused.ids];
    try {
      const input = { ...this.#buildInput(workerId), ...ranges, limit, except };
      const { jobs, isTruncated } = await this.outageTimer.track(send(input));
      this.#size.grow(limit, isTruncated ? jobs.length : undefined);
      if (jobs.length > 0) this.#refused.retrySuspects();
      return { jobs, isFull: isTruncated || jobs.length === limit };
    } catch (error) {
      this.#size.halve(limit);
      if (isRefusal(error)) await this.#addSuspects(ranges, limit, except);
      throw error;
    }
  }

  async #addSuspects(ranges: Ranges, limit: number, except: readonly number[]): Promise<void> {
    if (except.length >= maxSuspects) return;
    const ids = await findClaimable(this.db, { queue: this.queue, ...ranges, limit, except });
    if (ids.length > 0) this.#suspects.push(ids);
  }

  #buildInput(workerId: string) {
    return {
      workerId,
      claimToken: this.nextToken(),
      queue: this.queue,
      maxBytes: this.#size.maxBytes,
      deadlines: this.#deadlines,
      defaultDeadlineMs: this.#defaultDeadlineMs,
      asyncCommit: this.canCommitAsync(),
    };
  }
}
