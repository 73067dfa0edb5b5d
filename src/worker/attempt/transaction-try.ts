import { findErrorCode, SoniqError } from "../../core/errors.js";
import { classifyFailure } from "../../core/failure.js";
import type { Queryable } from "../../core/queryable.js";
import { TransactionLostError, type TransactionSlot } from "../../database/transaction-slot.js";
import type { TransactionSlots } from "../../database/transaction-slots.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import { deleteCompleted } from "../../jobs/settle/delete-completed.js";
import type { TransactionOptions } from "../../jobs/definition/job-context.js";
import { decideOutcome, type Outcome } from "../../jobs/settle/outcome.js";
import { saveProgressInTransaction } from "../../jobs/settle/save-progress.js";
import type { SettleStrategy } from "../../jobs/settle/settle.js";
import type { Settled, Settlement } from "../../jobs/settle/settlement.js";
import { findCommittedSettlement } from "../../jobs/settle/find-ended-claims.js";
import type { TransactionEnd } from "./attempt-end.js";
import type { Connections } from "../connections/connections.js";
import { pause } from "../timing/periodic-tasks.js";
import type { DirectiveTracker } from "./made-directives.js";
import type { Progress } from "./progress.js";
import type { Runnable } from "../settings/runnables.js";

/** The parts of a worker that the transactions of handlers use. */
export interface TransactionDeps {
  readonly slots: TransactionSlots;
  /** Finds out whether a commit took effect, after the transaction's connection broke. */
  readonly db: Queryable;
  /** The names of the jobs that are deleted on completion. */
  readonly deletedOnCompletion: ReadonlySet<string>;
  /** Returns the current settle strategy: with or without events. */
  readonly chooseStrategy: () => SettleStrategy;
  /**
   * Limits how long a transaction that has just begun may take. Otherwise the transaction of a frozen worker would hold its locks
   * without end.
   *
   * @returns how long the transaction may take, and a function that cancels its current statement
   */
  readonly limitTransaction: Connections["limitTransaction"];
  /** Whether statements time out. If so, a connection that does not answer in time is broken. */
  readonly hasTimeouts: boolean;
}

/** The attempt that the transaction settles. */
export interface TransactionAttempt {
  readonly job: ClaimedJob;
  readonly workerId: string;
  readonly runnable: Runnable;
  readonly signal: AbortSignal;
  readonly directives: DirectiveTracker;
  /** A number from 0 to 1, for the jitter of delays. */
  random(): number;
  /** Returns the log lines that are not written yet. The settle writes them; after a rollback, the next settle does. */
  unwrittenLogs(): string | undefined;
  /** Returns undefined until the handler reports progress. */
  progress(): Progress | undefined;
}

// oxlint-disable-next-line no-explicit-any -- typed where the handler is written
export type TransactionBody = (tx: any) => Promise<unknown>;

type Committed = Extract<TransactionEnd, { kind: "committed" }>;

/** How far a try has come. The meaning of an error depends on it. */
type Stage =
  | { readonly step: "begin" | "limit" | "body" | "settle" }
  /** Everything is written, and the commit is not answered yet. */
  | { readonly step: "commit"; readonly end: Committed }
  /** The driver rolls back on purpose: the transaction itself has not failed. */
  | { readonly step: "roll back"; readonly end: TransactionEnd };

/** A settle or commit that takes longer than this will never be answered, and no connection will become available. */
const settleTimeoutMs = 25_000;
const beginTimeoutMs = 10_000;
const commitPollMs = 250;
const inFailedTransaction = "25P02";

/** Makes the driver roll back. */
class RollbackError extends SoniqError {}

/** One try of a handler's transaction on one connection. */
export class TransactionTry {
  #stage: Stage = { step: "begin" };
  #destroyTimer: NodeJS.Timeout | undefined;
  #cancel: () => void = () => {};

  constructor(
    private readonly slot: TransactionSlot,
    private readonly attempt: TransactionAttempt,
    private readonly deps: TransactionDeps,
    /** Aborted when the worker gives up on the handler, so that nobody waits for the transaction. */
    private readonly abandoned: AbortSignal,
  ) {}

  /** Whether the settle has been sent. From then on its answer decides about the claim. */
  get isSettling(): boolean {
    const stage = this.#stage;
    switch (stage.step) {
      case "settle":
      case "commit":
        return true;
      case "roll back":
        return stage.end.kind === "fenced";
      default:
        return false;
    }
  }

  /** Breaks the connection. */
  abandon(): void {
    this.#cancel();
    this.slot.destroy();
  }

  /** Never rejects. */
  async run(body: TransactionBody, options?: TransactionOptions): Promise<TransactionEnd> {
    const { slot } = this;
    this.#destroySlotAfter(beginTimeoutMs);
    try {
      await rejectOnLoss(
        slot,
        slot.db.transaction((tx) => this.#runBody(tx, body), toIsolationOptions(options)),
      );
      return (this.#stage as Extract<Stage, { step: "commit" }>).end;
    } catch (error) {
      return await this.#classifyFailure(error);
    } finally {
      clearTimeout(this.#destroyTimer);
      // A cancellation may still be on its way to this backend. It must not hit the next transaction on the connection.
      if (this.attempt.signal.aborted) slot.destroy();
    }
  }

  async #runBody(tx: Queryable, body: TransactionBody): Promise<void> {
    const { job, workerId, runnable, signal, directives } = this.attempt;
    await this.#begin(tx);
    const cancel = this.#cancel;
    signal.addEventListener("abort", cancel);
    try {
      this.#stage = { step: "body" };
      const returned = await body(tx);
      // The connection was lost or destroyed while the body ran.
      if (this.slot.loss.error) throw this.slot.loss.error;
      const forgottenError = directives.findUnreturned(returned);
      if (forgottenError) throw forgottenError;
      const outcome = decideOutcome(job, runnable.definition, { returned }, workerId, this.attempt.random());
      if (outcome.kind !== "completed") this.#rollBack({ kind: "rolled back", outcome, returned });
      this.#destroySlotAfter(settleTimeoutMs);
      this.#stage = { step: "settle" };
      const state = await this.#settle(tx, outcome).catch(explainAbortedTransaction);
      if (!state) this.#rollBack({ kind: "fenced", outcome, error: this.#createTakenError() });
      this.#stage = { step: "commit", end: { kind: "committed", outcome, state, returned } };
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  async #begin(tx: Queryable): Promise<void> {
    const { runnable, signal } = this.attempt;
    this.#stage = { step: "limit" };
    const { timeoutMs, cancel } = await this.deps.limitTransaction(tx, runnable.timeoutMs);
    this.slot.loss.recordBegin(timeoutMs);
    clearTimeout(this.#destroyTimer);
    signal.throwIfAborted();
    this.#cancel = cancel;
  }

  #rollBack(end: TransactionEnd): never {
    this.#stage = { step: "roll back", end };
    throw "error" in end ? end.error : new RollbackError("the job is not completed");
  }

  #createTakenError(): RollbackError {
    const { name, id } = this.attempt.job;
    return new RollbackError(`job ${name} #${id} was taken from this worker: its transaction is rolled back`);
  }

  /** Classifies a transaction that did not commit, or whose commit was not answered. */
  async #classifyFailure(error: unknown): Promise<TransactionEnd> {
    const { slot } = this;
    const stage = this.#stage;
    if (stage.step === "roll back") return stage.end;
    const loss = stage.step === "begin" ? toBeginLoss(error) : slot.loss.error;
    if (stage.step === "commit" && (loss || classifyFailure(error) === "outage")) {
      slot.destroy();
      return this.#resolveCommit(stage.end, error);
    }
    if (!loss) return { kind: "failed", error };
    slot.destroy();
    // The handler's transaction took too long, or the worker destroyed the connection of an abandoned one. Neither is a crash.
    if (loss.timeout || this.abandoned.aborted) return { kind: "failed", error: loss };
    const hasRun = stage.step !== "begin" && stage.step !== "limit";
    return { kind: hasRun ? "disconnected" : "not started", error: loss };
  }

  /** Polls the database until it answers whether a commit without a reply took effect. */
  async #resolveCommit(end: Committed, cause: unknown): Promise<TransactionEnd> {
    const { outcome } = end;
    const settlement = this.#settlement(outcome);
    const error = new TransactionLostError(undefined, { cause });
    while (!this.abandoned.aborted) {
      const ended = await findCommittedSettlement(this.deps.db, this.attempt.workerId, settlement).catch(
        () => undefined,
      );
      if (!ended) {
        await pause(commitPollMs, this.abandoned);
        continue;
      }
      const state = ended.get(settlement);
      if (state) return { ...end, state };
      return ended.has(settlement) ? { kind: "fenced", outcome, error } : { kind: "disconnected", error };
    }
    return { kind: "failed", error };
  }

  async #settle(tx: Queryable, outcome: Outcome): Promise<Settled["state"] | undefined> {
    const { job, workerId } = this.attempt;
    const settlement = this.#settlement(outcome);
    const progress = this.attempt.progress()?.unwritten;
    if (progress !== undefined) await saveProgressInTransaction(tx, workerId, job, progress);
    const { settle, emitsEvents } = this.deps.chooseStrategy();
    const deletesJob = this.deps.deletedOnCompletion.has(job.name) && !emitsEvents;
    const [deletedJob] = deletesJob ? await deleteCompleted(tx, workerId, [settlement]) : [];
    const [settled] = deletedJob ? [deletedJob] : await settle(tx, workerId, [settlement]);
    return settled?.state;
  }

  #settlement(outcome: Outcome): Settlement {
    const { id, claimToken } = this.attempt.job;
    return { id, claimToken, outcome, logs: this.attempt.unwrittenLogs() };
  }

  #destroySlotAfter(ms: number): void {
    if (this.deps.hasTimeouts) this.#destroyTimer = setTimeout(() => this.slot.destroy(), ms);
  }
}

/** If PostgreSQL refuses to begin the transaction, the connection still works. Any other error means that the connection is lost. */
function toBeginLoss(cause: unknown): TransactionLostError | undefined {
  return classifyFailure(cause) === "row" ? undefined : new TransactionLostError(undefined, { cause });
}

/** Explains the error of a settle that failed because an earlier statement had failed. PostgreSQL's error names only the settle. */
function explainAbortedTransaction(error: unknown): never {
  if (findErrorCode(error) !== inFailedTransaction) throw error;
  throw new SoniqError(
    "a statement of the job's transaction had failed, and the handler ignored the error, so the transaction cannot commit: is an `await` missing in the handler?",
    { cause: error },
  );
}

/** Drizzle would turn empty options into an empty statement, and send it. */
function toIsolationOptions({ isolationLevel }: TransactionOptions = {}): TransactionOptions | undefined {
  return isolationLevel && { isolationLevel };
}

/** The promise of a transaction may never settle once its connection is lost. */
function rejectOnLoss({ loss }: TransactionSlot, transaction: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    loss.onLoss = reject;
    void transaction.then(resolve, reject);
  });
}
