import { fillsStatement } from "../../core/batches.js";
import { classifyFailure } from "../../core/failure.js";
import type { Queryable } from "../../core/queryable.js";
import { deleteCompleted } from "../../jobs/settle/delete-completed.js";
import { bytesOf, plainSettles, type Settlement, type Settles } from "../../jobs/settle/settle.js";
import { Histogram } from "../../stats/histogram.js";
import type { WorkerEventListener } from "../events/events.js";
import { firstBatch, type Pending, type SettleEnd, statesOf, without } from "./pending-settlement.js";
import { SettleRetries } from "./settle-retries.js";
import { Unanswered } from "./unanswered.js";

/** As many as the engine has connections. */
const maxFlights = 4;
/** Large statements take the time of PostgreSQL, and of the event loop, from claims and beats. */
const maxLargeFlights = 2;
/** With so much to be written, no other job is started, and no other outcome is made. */
const maxWaitingBytes = 32 * 1024 * 1024;
/** While settles have been unanswered for so long, no more jobs are claimed: their outcomes could not be written either. */
const maxUnansweredMs = 5_000;

/**
 * Gathers settlements and writes them in batches: the next one leaves when the one before is back, or it is full.
 * What could not be written is tried again beside them, so that it holds up none.
 */
export class Settler {
  /** How many jobs the batches settle. */
  readonly sizes = new Histogram();
  /** A row that is refused or locked is an answer. */
  readonly unanswered = new Unanswered((error) => classifyFailure(error) === "outage");
  #pending: Pending[] = [];
  #pendingBytes = 0;
  /** Of all that is not known to be written. */
  #waitingBytes = 0;
  #flights = 0;
  readonly #retries: SettleRetries;

  constructor(
    private readonly db: Queryable,
    private readonly emit: WorkerEventListener,
    /** The names of the jobs that are deleted as they complete. */
    private readonly deleted: ReadonlySet<string | undefined>,
    /** Whether to settle around the rows that others have locked from the start: behind a pooler, no lock_timeout ends the wait for them. */
    private readonly aroundLocks: boolean,
    /** How many one statement settles at the most. */
    private readonly batchSize: number,
    /** How jobs are settled at this time. */
    private readonly settles: () => Settles = () => plainSettles,
  ) {
    this.#retries = new SettleRetries(db, emit, batchSize, settles, this.unanswered);
  }

  /**
   * Writes a settlement down, however long the database is away or refuses it.
   *
   * @param name the job's, where it may have completed
   */
  settle(workerId: string, settlement: Settlement, name?: string): Promise<SettleEnd> {
    const bytes = bytesOf(settlement);
    this.#waitingBytes += bytes;
    return new Promise((resolve) => {
      const written = (end: SettleEnd) => {
        this.#waitingBytes -= bytes;
        resolve(end);
      };
      this.#pending.push({ ...settlement, workerId, name, bytes, written });
      this.#pendingBytes += bytes;
      const { large, full } = this.#isFull();
      if (this.#flights === 0 || (full && this.#flights < (large ? maxLargeFlights : maxFlights))) void this.#flush();
    });
  }

  /** Whether so much waits to be written that no job should be started, which would add to it. */
  get congested(): boolean {
    return this.#waitingBytes > maxWaitingBytes;
  }

  /** Whether jobs may be claimed: not while there is no telling whether they could be settled. */
  get isKeepingUp(): boolean {
    return !this.congested && this.unanswered.ms <= maxUnansweredMs;
  }

  /** The worker stops: what PostgreSQL has refused for long is tried once more, and then left to be rescued. */
  leaveRefused(): void {
    this.#retries.leaveRefused();
  }

  /** Gives up on what cannot be written now: it is left to be rescued. */
  abandon(): void {
    this.#retries.abandon();
  }

  async #flush(): Promise<void> {
    this.#flights += 1;
    // What ends in the same turn of the event loop travels together.
    if (!this.#isFull().full) await new Promise(setImmediate);
    do {
      const { workerId } = this.#pending[0] ?? {};
      if (workerId === undefined) break;
      const batch = firstBatch(this.#pending, this.batchSize);
      this.#pending = without(this.#pending, batch);
      for (const { bytes } of batch) this.#pendingBytes -= bytes;
      this.sizes.add(batch.length);
      await this.#write(workerId, batch);
    } while (this.#flights === 1 || this.#isFull().full);
    this.#flights -= 1;
  }

  /** Whether a statement would be full; `large`: of bytes rather than of rows. */
  #isFull(): { readonly full: boolean; readonly large: boolean } {
    const large = fillsStatement(this.#pendingBytes);
    return { large, full: large || this.#pending.length >= this.batchSize };
  }

  async #write(workerId: string, batch: readonly Pending[]): Promise<void> {
    const rest = this.deleted.size > 0 && !this.settles().emit ? await this.#deleteCompleted(workerId, batch) : batch;
    if (rest.length === 0) return;
    try {
      if (this.aroundLocks) return await this.#writeUnlocked(workerId, rest);
      const states = statesOf(rest, await this.unanswered.during(this.settles().settle(this.db, workerId, rest)));
      for (const one of rest) one.written(states.get(one));
    } catch (error) {
      this.#failed(rest, error);
    }
  }

  async #writeUnlocked(workerId: string, batch: readonly Pending[]): Promise<void> {
    const settling = this.settles().settleUnlocked(this.db, workerId, batch);
    const states = statesOf(batch, await this.unanswered.during(settling));
    for (const [one, state] of states) one.written(state);
    this.#retries.add(without(batch, [...states.keys()]));
  }

  /** @returns those that are still to be settled */
  async #deleteCompleted(workerId: string, batch: readonly Pending[]): Promise<readonly Pending[]> {
    const completed = batch.filter(({ name, outcome }) => outcome.kind === "completed" && this.deleted.has(name));
    if (completed.length === 0) return batch;
    try {
      const states = statesOf(completed, await this.unanswered.during(deleteCompleted(this.db, workerId, completed)));
      const gone = completed.filter((one) => states.has(one));
      for (const one of gone) one.written("completed");
      return without(batch, gone);
    } catch (error) {
      this.#failed(completed, error);
      return without(batch, completed);
    }
  }

  #failed(batch: readonly Pending[], error: unknown): void {
    this.emit({ type: "error", operation: `settling ${batch.length} jobs`, error });
    this.#retries.add(batch);
  }
}
