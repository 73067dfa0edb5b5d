import { classifyFailure } from "../../core/failure.js";
import type { Queryable } from "../../core/queryable.js";
import { reduceSettlement } from "../../jobs/settle/reduced-settlements.js";
import { plainSettleStrategy, type SettleStrategy } from "../../jobs/settle/settle.js";
import { findEndedClaims } from "../../jobs/settle/find-ended-claims.js";
import { BatchLimit } from "../timing/batch-limit.js";
import { pause } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import {
  selectFirstBatch,
  type PendingSettlement,
  type SettleEnd,
  matchStates,
  subtract,
} from "./pending-settlement.js";
import { createErrorThrottle } from "../events/error-throttle.js";
import type { OutageTimer } from "./outage-timer.js";

const retryMs = 250;
const retryAfterOutageMs = 1_000;
const maxRetryMs = 5_000;
/** A stopping worker does not wait for an outcome that PostgreSQL has refused for longer than this. */
const maxRefusedAtStopMs = 5_000;

/** The failures of a settlement that was sent alone. Times are those of `performance.now()`. */
interface Refusal {
  readonly firstRefusedAt: number;
  readonly failures: number;
  retryAt: number;
}

/**
 * Retries settlements until they are written. They come from statements that failed, which may have been committed although their
 * reply was lost, and from rows that other sessions had locked.
 */
export class SettleRetries {
  #waiting: PendingSettlement[] = [];
  readonly #refused = new Map<PendingSettlement, Refusal>();
  /** The number of consecutive settlements that failed alone. If several fail in a row, the cause is probably not in their rows. */
  #refusedInARow = 0;
  #running = false;
  #isStopping = false;
  readonly #abandoned = new AbortController();
  readonly #limit: BatchLimit;
  readonly #errorThrottle = createErrorThrottle();

  constructor(
    private readonly db: Queryable,
    private readonly emit: WorkerEventListener,
    batchSize: number,
    private readonly chooseStrategy: () => SettleStrategy,
    private readonly outageTimer: OutageTimer,
  ) {
    this.#limit = new BatchLimit(batchSize);
  }

  add(settlements: readonly PendingSettlement[]): void {
    this.#waiting.push(...settlements);
    if (!this.#running) void this.#run();
  }

  /** Retries each refused settlement once more. Then it gives up on settlements that have been refused for long. */
  abandonRefused(): void {
    this.#isStopping = true;
    this.#retryRefused();
  }

  /** Stops all retries. The waiting settlements are neither settled nor fenced, and their promises stay pending. */
  abandon(): void {
    this.#abandoned.abort();
  }

  async #run(): Promise<void> {
    this.#running = true;
    const { signal } = this.#abandoned;
    while (this.#waiting.length > 0 && !signal.aborted) {
      const waitMs = await this.#retryBatch();
      if (this.#waiting.length > 0) await pause(waitMs, signal);
    }
    // The last settlements may have turned out to be settled already, without a statement that ended the outage.
    if (this.#waiting.length === 0) this.outageTimer.reset();
    this.#running = false;
  }

  /** @returns how long to wait before the next batch, in milliseconds */
  async #retryBatch(): Promise<number> {
    const batch = this.#selectBatch();
    const [first] = batch;
    if (!first) return retryMs;
    const wasRefused = this.#refused.has(first);
    // Moves the batch to the end: if it stays, all other settlements go first.
    this.#waiting = [...subtract(this.#waiting, batch), ...batch];
    try {
      const settled = await this.#settle(batch);
      this.#limit.grow();
      this.#refusedInARow = 0;
      return settled ? 0 : retryMs;
    } catch (error) {
      if (!wasRefused) this.#limit.shrink();
      if (classifyFailure(error) === "outage") {
        this.emit({ type: "error", operation: `settling ${this.#waiting.length} jobs again`, error });
        return retryAfterOutageMs;
      }
      if (batch.length > 1) return 0;
      this.#refusedInARow += 1;
      return this.#retryLater(first, error) && this.#refusedInARow > 1 ? retryMs : 0;
    }
  }

  /** Returns the next due batch. A settlement that failed alone is retried alone, with backoff. */
  #selectBatch(): readonly PendingSettlement[] {
    const now = performance.now();
    const due = this.#waiting.filter((pending) => (this.#refused.get(pending)?.retryAt ?? 0) <= now);
    const [first] = due;
    if (first && this.#refused.has(first)) return [first];
    return selectFirstBatch(
      due.filter((pending) => !this.#refused.has(pending)),
      this.#limit.rows,
    );
  }

  /**
   * Settles a batch, except rows that other sessions have locked: those wait for the next retry. It first reads which claims have ended,
   * because a settle whose reply was lost may have been committed, and its retry would find no row and look fenced.
   *
   * @returns whether it settled any job
   */
  async #settle(batch: readonly PendingSettlement[]): Promise<boolean> {
    const { workerId } = batch[0] as PendingSettlement;
    const ended = await findEndedClaims(this.db, workerId, batch);
    this.#finish(ended);
    const unsettled = batch.filter((pending) => !ended.has(pending));
    if (unsettled.length === 0) return true;
    try {
      const settling = this.chooseStrategy().settleUnlocked(this.db, workerId, unsettled);
      const states = matchStates(unsettled, await this.outageTimer.track(settling));
      this.#finish(states);
      return ended.size + states.size > 0;
    } catch (error) {
      const [pending] = unsettled;
      if (unsettled.length > 1 || classifyFailure(error) !== "row") throw error;
      if (await this.#settleReduced(pending as PendingSettlement, error)) return true;
      throw error;
    }
  }

  /**
   * Settles the job with a reduced outcome, if PostgreSQL refuses the full outcome but accepts the reduced one. PostgreSQL must accept
   * the reduced outcome both before and after it refuses the full outcome again. So no outcome is lost while the table refuses
   * every change for a while.
   *
   * @returns whether the job is settled
   */
  async #settleReduced(pending: PendingSettlement, refusal: unknown): Promise<boolean> {
    const { db } = this;
    const { workerId, id } = pending;
    const fullStrategy = this.chooseStrategy();
    const reductions = [{ settlement: pending, without: "" }, ...reduceSettlement(pending, refusal)];
    // Usually PostgreSQL accepts either everything or nothing. So the most reduced settlement is checked first.
    const minimal = reductions.at(-1) as (typeof reductions)[number];
    if (!(await this.#wouldAccept(plainSettleStrategy, workerId, minimal.settlement))) return false;
    const withoutEvent = fullStrategy.emitsEvents ? [plainSettleStrategy] : [];
    for (const { settlement, without: omitted } of reductions) {
      for (const strategy of settlement === pending ? withoutEvent : [fullStrategy, ...withoutEvent]) {
        if (!(await this.#wouldAccept(strategy, workerId, settlement))) continue;
        try {
          this.#finish(matchStates([pending], await fullStrategy.settleUnlocked(db, workerId, [pending])));
          return !this.#waiting.includes(pending);
        } catch (error) {
          if (classifyFailure(error) !== "row") throw error;
        }
        const states = matchStates([pending], await strategy.settleUnlocked(db, workerId, [settlement]));
        const missing = [...(strategy === fullStrategy ? [] : ["its event"]), ...(omitted ? [omitted] : [])];
        const operation = `settling job ${id}: it is settled without ${missing.join(" and ")}`;
        if (states.size > 0) this.emit({ type: "error", operation, error: refusal });
        this.#finish(states);
        return states.size > 0;
      }
    }
    return false;
  }

  /** @throws any error that does not concern the row */
  async #wouldAccept(strategy: SettleStrategy, workerId: string, settlement: PendingSettlement): Promise<boolean> {
    try {
      return await strategy.wouldSettle(this.db, workerId, settlement);
    } catch (error) {
      if (classifyFailure(error) !== "row") throw error;
      return false;
    }
  }

  /** @returns whether the settlement is kept for a retry */
  #retryLater(pending: PendingSettlement, error: unknown): boolean {
    const now = performance.now();
    const { firstRefusedAt = now, failures = 0 } = this.#refused.get(pending) ?? {};
    if (this.#isStopping && now - firstRefusedAt > maxRefusedAtStopMs) {
      this.emit({ type: "error", operation: `settling job ${pending.id}: it is left to be rescued`, error });
      this.#finish(new Map([[pending, "left"]]));
      return false;
    }
    // A lock may be released soon, so its backoff is shorter.
    const maxMs = this.#isStopping || classifyFailure(error) === "lock" ? retryAfterOutageMs : maxRetryMs;
    this.#refused.set(pending, {
      firstRefusedAt,
      failures: failures + 1,
      retryAt: now + Math.min(maxMs, retryMs * 2 ** failures),
    });
    const otherJobs = this.#refused.size > 1 ? ` (and ${this.#refused.size - 1} other jobs)` : "";
    const operation = `settling job ${pending.id}${otherJobs}: its outcome is kept and retried`;
    if (this.#errorThrottle.admit() !== undefined) this.emit({ type: "error", operation, error });
    return true;
  }

  #finish(ends: ReadonlyMap<PendingSettlement, SettleEnd>): void {
    this.#waiting = subtract(this.#waiting, [...ends.keys()]);
    // If PostgreSQL no longer refuses one settlement, it may accept the other refused settlements as well.
    for (const pending of ends.keys()) if (this.#refused.delete(pending)) this.#retryRefused();
    for (const [pending, end] of ends) pending.finish(end);
  }

  #retryRefused(): void {
    for (const refusal of this.#refused.values()) refusal.retryAt = 0;
  }
}
