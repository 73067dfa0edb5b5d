import { fillsStatement } from "../../core/batches.js";
import { classifyFailure } from "../../core/failure.js";
import type { Queryable } from "../../core/queryable.js";
import { deleteCompleted } from "../../jobs/settle/delete-completed.js";
import { settleAndClaim } from "../../jobs/settle/settle-and-claim.js";
import { plainSettleStrategy, type SettleStrategy } from "../../jobs/settle/settle.js";
import {
  estimateSettlementBytes,
  isPlainCompletion,
  type Settled,
  type Settlement,
} from "../../jobs/settle/settlement.js";
import { Histogram } from "../../stats/histogram.js";
import type { WorkerEventListener } from "../events/events.js";
import {
  type ClaimNext,
  selectFirstBatch,
  type PendingSettlement,
  type SettleEnd,
  matchStates,
  subtract,
} from "./pending-settlement.js";
import { SettleRetries } from "./settle-retries.js";
import { OutageTimer } from "./outage-timer.js";

/** The number of the engine's connections. */
const maxStatements = 4;
/** Large statements use the time of PostgreSQL and of the event loop, and delay claims and heartbeats. */
const maxLargeStatements = 2;
/** While more than this waits to be written, the worker starts no job and creates no outcome. */
const maxWaitingBytes = 32 * 1024 * 1024;
/** While settles have been unanswered for longer than this, the worker claims no jobs: it could not write their outcomes either. */
const maxUnansweredMs = 5_000;

/**
 * Collects settlements and writes them in batches. It sends a batch when the previous one is answered, or when the batch is full.
 * Settlements that failed are retried separately, so that they do not delay new ones.
 */
export class Settler {
  /** The number of jobs per batch. */
  readonly batchSizes = new Histogram();
  /** Counts only outages: a refused or locked row is an answer of PostgreSQL. */
  readonly outageTimer = new OutageTimer((error) => classifyFailure(error) === "outage");
  #pending: PendingSettlement[] = [];
  #pendingBytes = 0;
  /** The bytes of all settlements without a confirmed write, including those sent or waiting for a retry. */
  #waitingBytes = 0;
  #runningStatements = 0;
  readonly #retries: SettleRetries;

  constructor(
    private readonly db: Queryable,
    private readonly emit: WorkerEventListener,
    /** The names of the jobs that are deleted on completion. */
    private readonly deletedOnCompletion: ReadonlySet<string | undefined>,
    /** Whether even the first try skips rows that other sessions have locked: behind a pooler, no lock_timeout ends the wait for them. */
    private readonly skipsLocked: boolean,
    /** The maximum number of jobs per statement. */
    private readonly batchSize: number,
    /** Returns the current settle strategy. */
    private readonly chooseStrategy: () => SettleStrategy = () => plainSettleStrategy,
  ) {
    this.#retries = new SettleRetries(db, emit, batchSize, chooseStrategy, this.outageTimer);
  }

  /**
   * Writes a settlement, and retries it for as long as the database is away or refuses it.
   *
   * @param name the job's name, if the job may have completed
   * @param claimNext claims the next job in the settle's statement, where jobs are claimed one by one
   */
  settle(workerId: string, settlement: Settlement, name?: string, claimNext?: ClaimNext): Promise<SettleEnd> {
    const bytes = estimateSettlementBytes(settlement);
    this.#waitingBytes += bytes;
    return new Promise((resolve) => {
      const finish = (end: SettleEnd) => {
        this.#waitingBytes -= bytes;
        resolve(end);
      };
      const { id, claimToken, outcome, logs } = settlement;
      // Without a spread, which takes several times the memory. Pending settlements outlive many garbage collections.
      this.#pending.push({ id, claimToken, outcome, logs, workerId, name, claimNext, bytes, finish });
      this.#pendingBytes += bytes;
      const { large, full } = this.#checkFill();
      if (
        this.#runningStatements === 0 ||
        (full && this.#runningStatements < (large ? maxLargeStatements : maxStatements))
      )
        void this.#flush();
    });
  }

  /** Whether so many bytes wait to be written that the worker should start no job, whose outcome would add to them. */
  get isCongested(): boolean {
    return this.#waitingBytes > maxWaitingBytes;
  }

  /** Whether the worker may claim jobs. It may not while it is uncertain whether it could settle them. */
  get isKeepingUp(): boolean {
    return !this.isCongested && this.outageTimer.elapsedMs <= maxUnansweredMs;
  }

  /** Call this when the worker stops: retries refused settlements once more, then leaves those refused for long to be rescued. */
  abandonRefused(): void {
    this.#retries.abandonRefused();
  }

  /** Stops all retries, and leaves the unsettled jobs to be rescued. */
  abandon(): void {
    this.#retries.abandon();
  }

  async #flush(): Promise<void> {
    this.#runningStatements += 1;
    // Puts jobs that end in the same turn of the event loop into one batch.
    if (!this.#checkFill().full) await new Promise(setImmediate);
    do {
      const { workerId } = this.#pending[0] ?? {};
      if (workerId === undefined) break;
      const batch = selectFirstBatch(this.#pending, this.batchSize);
      this.#pending = subtract(this.#pending, batch);
      for (const { bytes } of batch) this.#pendingBytes -= bytes;
      this.batchSizes.add(batch.length);
      await this.#settleBatch(workerId, batch);
    } while (this.#runningStatements === 1 || this.#checkFill().full);
    this.#runningStatements -= 1;
  }

  /** Returns whether the pending settlements fill a statement; `large` means that their bytes fill it. */
  #checkFill(): { readonly full: boolean; readonly large: boolean } {
    const large = fillsStatement(this.#pendingBytes);
    return { large, full: large || this.#pending.length >= this.batchSize };
  }

  async #settleBatch(workerId: string, batch: readonly PendingSettlement[]): Promise<void> {
    const remaining =
      this.deletedOnCompletion.size > 0 && !this.chooseStrategy().emitsEvents
        ? await this.#deleteCompleted(workerId, batch)
        : batch;
    if (remaining.length === 0) return;
    try {
      if (this.skipsLocked) return await this.#settleUnlocked(workerId, remaining);
      const states = matchStates(remaining, await this.outageTimer.track(this.#send(workerId, remaining)));
      for (const settlement of remaining) settlement.finish(states.get(settlement));
    } catch (error) {
      this.#retry(remaining, error);
    }
  }

  #send(workerId: string, batch: readonly PendingSettlement[]): Promise<Settled[]> {
    const strategy = this.chooseStrategy();
    const [first] = batch as readonly [PendingSettlement];
    let settled: Promise<Settled[]> | undefined;
    if (batch.length === 1 && isPlainCompletion(first) && !strategy.emitsEvents)
      first.claimNext?.(workerId, async (input) => {
        const both = settleAndClaim(this.db, first, input);
        settled = both.then((reply) => reply.settled);
        return (await both).claim;
      });
    return settled ?? strategy.settle(this.db, workerId, batch);
  }

  async #settleUnlocked(workerId: string, batch: readonly PendingSettlement[]): Promise<void> {
    const settling = this.chooseStrategy().settleUnlocked(this.db, workerId, batch);
    const states = matchStates(batch, await this.outageTimer.track(settling));
    for (const [settlement, state] of states) settlement.finish(state);
    this.#retries.add(subtract(batch, [...states.keys()]));
  }

  /** @returns the settlements that remain to be written */
  async #deleteCompleted(workerId: string, batch: readonly PendingSettlement[]): Promise<readonly PendingSettlement[]> {
    const completed = batch.filter(
      ({ name, outcome }) => outcome.kind === "completed" && this.deletedOnCompletion.has(name),
    );
    if (completed.length === 0) return batch;
    try {
      const states = matchStates(
        completed,
        await this.outageTimer.track(deleteCompleted(this.db, workerId, completed)),
      );
      const deleted = completed.filter((settlement) => states.has(settlement));
      for (const settlement of deleted) settlement.finish("completed");
      return subtract(batch, deleted);
    } catch (error) {
      this.#retry(completed, error);
      return subtract(batch, completed);
    }
  }

  #retry(batch: readonly PendingSettlement[], error: unknown): void {
    this.emit({ type: "error", operation: `settling ${batch.length} jobs`, error });
    this.#retries.add(batch);
  }
}
