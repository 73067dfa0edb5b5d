import { errorCode, SoniqError } from "../core/errors.js";
import { failureOf } from "../core/failure.js";
import { isConflict } from "../core/retry-conflicts.js";
import type { Queryable } from "../core/queryable.js";
import { TransactionLostError, type TransactionSlot } from "../database/transaction-slot.js";
import type { TransactionSlots } from "../database/transaction-slots.js";
import type { ClaimedJob } from "../jobs/claim.js";
import { deleteCompleted } from "../jobs/delete-completed.js";
import type { TransactionOptions } from "../jobs/job-context.js";
import { decide, type Outcome } from "../jobs/outcome.js";
import { saveProgressInTransaction } from "../jobs/save-progress.js";
import type { Settled, Settlement, Settles } from "../jobs/settle.js";
import { findCommitted } from "../jobs/settled-before.js";
import type { Connections } from "./connections.js";
import { pause } from "./duties.js";
import type { MadeDirectives } from "./made-directives.js";
import type { Progress } from "./progress.js";
import type { Runnable } from "./settings.js";

/** What the transactions of handlers need of their worker. */
export interface TransactionSurroundings {
  readonly slots: TransactionSlots;
  /** For what the transaction's own connection cannot say. */
  readonly db: Queryable;
  /** The names of the jobs that are deleted as they complete. */
  readonly deleted: ReadonlySet<string>;
  /** How jobs are settled at this time. */
  readonly settles: () => Settles;
  /**
   * Bounds a transaction that was just begun, so that a worker which was frozen holds locks no longer than that.
   *
   * @returns how long it may take, and what cancels what it is doing
   */
  readonly bound: Connections["bound"];
  /** Whether a statement is answered in time, or its connection is of no use. */
  readonly timed: boolean;
}

/** What became of a transaction that came to its end. */
export type TransactionEnd =
  | { readonly kind: "committed"; readonly outcome: Outcome; readonly state: Settled["state"] }
  /** The job had been taken from this worker: rolled back. */
  | { readonly kind: "fenced"; readonly outcome: Outcome }
  /** It did not end the job as completed: rolled back, and what was returned decides. */
  | { readonly kind: "returned"; readonly returned: unknown }
  /** Its connection broke, or there was none for it: rolled back. `began`: its own statements may have been why. */
  | { readonly kind: "lost"; readonly began: boolean };

// oxlint-disable-next-line no-explicit-any -- typed where the handler is written
type Body = (tx: any) => Promise<unknown>;

/** A handler's transaction is tried so often where another one is in its way. */
const conflictTries = 5;
/** A settle or commit that is not answered by then never will be; nor will a connection be there. */
const patienceMs = 25_000;
const beginPatienceMs = 10_000;
const resolveMs = 250;
const inFailedTransaction = "25P02";

/** Rolls the transaction back, for a reason that is no failure. */
class RolledBack extends SoniqError {}

/**
 * The transaction of one attempt: what the handler writes in it, and the settle as its last statement. Both are committed,
 * or neither is.
 */
export class JobTransaction {
  /** Undefined until it has ended, and when its body threw. */
  end: TransactionEnd | undefined;
  /** Whether the settle has been sent: what this says of the claim counts. */
  settling = false;
  #running: Promise<unknown> | undefined;
  #cancel: () => void = () => {};
  #slot: TransactionSlot | undefined;
  readonly #abandoned = new AbortController();

  constructor(
    private readonly job: ClaimedJob,
    private readonly workerId: string,
    private readonly runnable: Runnable,
    private readonly around: TransactionSurroundings,
    private readonly signal: AbortSignal,
    /** What the handler logged and is not written yet: goes with the settle, and past a rollback with the next one. */
    private readonly logs: () => string | undefined,
    /** Undefined while the handler has told of none. */
    private readonly progress: () => Progress | undefined,
    private readonly made: MadeDirectives,
  ) {}

  /** @returns what the body returned, once it is committed */
  run(body: Body, options?: TransactionOptions): Promise<unknown> {
    if (this.#running)
      throw new SoniqError(
        `job ${this.job.name}: job.transaction was called twice: its commit ends the job, so there is one per attempt`,
      );
    this.#running = this.#untilNoConflict(body, options);
    // A handler that does not wait for it learns of nothing; `result` does.
    this.#running.catch(() => {});
    return this.#running;
  }

  /** Whether it is under way. */
  get open(): boolean {
    return this.#slot !== undefined;
  }

  /** Waits for it, as the handler may have not. @throws what it failed with */
  async result(): Promise<void> {
    await this.#running;
  }

  /** Nobody waits any longer: breaks the connection. */
  abandon(): void {
    this.#abandoned.abort();
    this.#cancel();
    this.#slot?.destroy();
  }

  async #untilNoConflict(body: Body, options?: TransactionOptions): Promise<unknown> {
    // Written beside it, at REPEATABLE READ it would be in its way.
    await this.progress()?.hold();
    const made = this.made.count;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#inSlot(body, options);
      } catch (error) {
        const conflict = isConflict(error) && !this.end && !this.signal.aborted;
        if (!conflict || tries === conflictTries) throw error;
        this.made.keepFirst(made);
        await pause(Math.random() * 20 * 2 ** tries, this.signal);
      }
    }
  }

  async #inSlot(body: Body, options?: TransactionOptions): Promise<unknown> {
    const { slots } = this.around;
    // One whose time was up before it asked has not only waited: that attempt counts.
    this.signal.throwIfAborted();
    const slot = await slots.take(this.signal).catch((error: unknown) => {
      this.end = { kind: "lost", began: false };
      throw new SoniqError(
        `job ${this.job.name}: it waited for a connection for job.transaction until it was interrupted: allow the worker more of them (maxConnections), or run fewer of its jobs at once`,
        { cause: error },
      );
    });
    this.#slot = slot;
    try {
      return await this.#once(slot, body, options);
    } finally {
      this.settling = this.end?.kind === "committed" || this.end?.kind === "fenced";
      this.#slot = undefined;
      this.#cancel = () => {};
      slots.giveBack(slot);
    }
  }

  async #once(slot: TransactionSlot, body: Body, options?: TransactionOptions): Promise<unknown> {
    const { job, workerId, runnable, around } = this;
    let returned: unknown;
    let outcome: Outcome | undefined;
    let written: Settled["state"] | undefined;
    let [began, bodyRuns] = [false, false];
    const impatient = (ms: number) => (around.timed ? setTimeout(() => slot.destroy(), ms) : undefined);
    let patience = impatient(beginPatienceMs);
    const inTransaction = async (tx: Queryable) => {
      began = true;
      const { timeoutMs, cancel } = await around.bound(tx, runnable.timeoutMs);
      slot.loss.began(timeoutMs);
      clearTimeout(patience);
      this.signal.throwIfAborted();
      this.#cancel = cancel;
      this.signal.addEventListener("abort", cancel);
      try {
        bodyRuns = true;
        returned = await body(tx);
        // Nobody waits for it any more.
        if (slot.loss.error) throw slot.loss.error;
        const unreturned = this.made.unreturned(returned);
        if (unreturned) throw unreturned;
        outcome = decide(job, runnable.definition, { returned }, workerId, 0);
        if (outcome.kind !== "completed") {
          this.end = { kind: "returned", returned };
          throw new RolledBack("not completed");
        }
        patience = impatient(patienceMs);
        this.settling = true;
        written = await this.#settle(tx, outcome).catch(explainAborted);
        if (written) return;
        this.end = { kind: "fenced", outcome };
        throw new RolledBack(`job ${job.name} #${job.id} was taken from this worker: its transaction is rolled back`);
      } finally {
        this.signal.removeEventListener("abort", cancel);
      }
    };
    try {
      await orLoss(slot, slot.db.transaction(inTransaction, isolation(options)));
      this.end = { kind: "committed", outcome: outcome as Outcome, state: written as Settled["state"] };
      return returned;
    } catch (error) {
      if (this.end?.kind === "returned") return returned;
      if (this.end) throw error;
      // What could not begin has not been at rest. One that PostgreSQL refuses to begin is wrong, and its connection is not.
      const notBegun = () =>
        failureOf(error) === "row" ? undefined : new TransactionLostError(undefined, { cause: error });
      const lost = began ? slot.loss.error : notBegun();
      if (outcome && written && (lost || failureOf(error) === "outage")) {
        slot.destroy();
        await this.#resolve(outcome, error);
        return returned;
      }
      if (!lost) throw error;
      slot.destroy();
      // A transaction that took too long is the handler's own doing; one that was abandoned, ours.
      if (!lost.timeout && !this.#abandoned.signal.aborted) this.end = { kind: "lost", began: bodyRuns };
      throw lost;
    } finally {
      clearTimeout(patience);
      // A cancellation may be under way to its backend: it must not meet another transaction.
      if (this.signal.aborted) slot.destroy();
    }
  }

  async #settle(tx: Queryable, outcome: Outcome): Promise<Settled["state"] | undefined> {
    const settlement = this.#settlement(outcome);
    const progress = this.progress()?.unwritten;
    if (progress !== undefined) await saveProgressInTransaction(tx, this.workerId, this.job, progress);
    const { settle, tell } = this.around.settles();
    const deletes = this.around.deleted.has(this.job.name) && !tell;
    const [gone] = deletes ? await deleteCompleted(tx, this.workerId, [settlement]) : [];
    const [settled] = gone ? [gone] : await settle(tx, this.workerId, [settlement]);
    return settled?.state;
  }

  #settlement(outcome: Outcome): Settlement {
    return { id: this.job.id, claimToken: this.job.claimToken, outcome, logs: this.logs() };
  }

  /** The commit was not answered: looks whether it was carried out, until the database says so. */
  async #resolve(outcome: Outcome, cause: unknown): Promise<void> {
    const settlement = this.#settlement(outcome);
    while (!this.#abandoned.signal.aborted) {
      const ended = await findCommitted(this.around.db, this.workerId, settlement).catch(() => undefined);
      if (!ended) {
        await pause(resolveMs, this.#abandoned.signal);
        continue;
      }
      const state = ended.get(settlement);
      if (state) this.end = { kind: "committed", outcome, state };
      else this.end = ended.has(settlement) ? { kind: "fenced", outcome } : { kind: "lost", began: true };
      if (state) return;
      break;
    }
    throw new TransactionLostError(undefined, { cause });
  }
}

/** A statement of the transaction had failed before: what the settle says of that names only the settle. */
function explainAborted(error: unknown): never {
  if (errorCode(error) !== inFailedTransaction) throw error;
  throw new SoniqError(
    "a statement of the job's transaction had failed, and nobody minded, so nothing of it can be committed: is an `await` missing in the handler?",
    { cause: error },
  );
}

/** Drizzle would send options that say nothing as a statement that says nothing. */
function isolation({ isolationLevel }: TransactionOptions = {}): TransactionOptions | undefined {
  return isolationLevel && { isolationLevel };
}

/** A transaction on a connection that is lost may never settle. */
function orLoss({ loss }: TransactionSlot, transaction: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    loss.onLoss = reject;
    void transaction.then(resolve, reject);
  });
}
