import { findErrorCode, SoniqError } from "../../core/errors.js";
import { classifyFailure } from "../../core/failure.js";
import type { Queryable } from "../../core/queryable.js";
import { TransactionLostError, type TransactionSlot } from "../../database/transaction-slot.js";
import type { TransactionSlots } from "../../database/transaction-slots.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import { deleteCompleted } from "../../jobs/settle/delete-completed.js";
import type { TransactionOptions } from "../../jobs/definition/job-context.js";
import { decide, type Outcome } from "../../jobs/settle/outcome.js";
import { saveProgressInTransaction } from "../../jobs/settle/save-progress.js";
import type { Settled, Settlement, Settles } from "../../jobs/settle/settle.js";
import { findCommitted } from "../../jobs/settle/settled-before.js";
import type { TransactionEnd } from "./attempt-end.js";
import type { Connections } from "../connections/connections.js";
import { pause } from "../timing/periodic-tasks.js";
import type { MadeDirectives } from "./made-directives.js";
import type { Progress } from "./progress.js";
import type { Runnable } from "../settings/runnables.js";

/** What the transactions of handlers need of their worker. */
export interface TransactionDeps {
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

/** The attempt that a transaction settles. */
export interface TransactionAttempt {
  readonly job: ClaimedJob;
  readonly workerId: string;
  readonly runnable: Runnable;
  readonly signal: AbortSignal;
  readonly made: MadeDirectives;
  /** A number from 0 to 1, for the jitter of delays. */
  random(): number;
  /** The lines that the handler logged and nobody has written yet. They go with the settle, and after a rollback with the next one. */
  unwrittenLogs(): string | undefined;
  /** Undefined while the handler has reported none. */
  progress(): Progress | undefined;
}

// oxlint-disable-next-line no-explicit-any -- typed where the handler is written
export type TransactionBody = (tx: any) => Promise<unknown>;

type Committed = Extract<TransactionEnd, { kind: "committed" }>;

/** How far a try has come: what an error means depends on it. */
type Reached =
  | { readonly step: "begin" | "bound" | "body" | "settle" }
  /** All is written, and the commit not answered. */
  | { readonly step: "commit"; readonly end: Committed }
  /** The driver rolls back, for a reason that is no failure of the transaction. */
  | { readonly step: "roll back"; readonly end: TransactionEnd };

/** A settle or commit that is not answered by then never will be; nor will a connection be there. */
const patienceMs = 25_000;
const beginPatienceMs = 10_000;
const resolveMs = 250;
const inFailedTransaction = "25P02";

/** Makes the driver roll back. */
class RolledBack extends SoniqError {}

/** One try of a handler's transaction, on one connection. */
export class TransactionTry {
  #reached: Reached = { step: "begin" };
  #patience: NodeJS.Timeout | undefined;
  #cancel: () => void = () => {};

  constructor(
    private readonly slot: TransactionSlot,
    private readonly attempt: TransactionAttempt,
    private readonly deps: TransactionDeps,
    /** Aborted when nobody waits for the transaction any longer. */
    private readonly abandoned: AbortSignal,
  ) {}

  /** Whether the settle has been sent: what this says of the claim counts. */
  get settling(): boolean {
    const reached = this.#reached;
    switch (reached.step) {
      case "settle":
      case "commit":
        return true;
      case "roll back":
        return reached.end.kind === "fenced";
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
    this.#destroyIn(beginPatienceMs);
    try {
      await orLoss(
        slot,
        slot.db.transaction((tx) => this.#within(tx, body), isolation(options)),
      );
      return (this.#reached as Extract<Reached, { step: "commit" }>).end;
    } catch (error) {
      return await this.#classify(error);
    } finally {
      clearTimeout(this.#patience);
      // A cancellation may be under way to its backend: it must not meet another transaction.
      if (this.attempt.signal.aborted) slot.destroy();
    }
  }

  async #within(tx: Queryable, body: TransactionBody): Promise<void> {
    const { job, workerId, runnable, signal, made } = this.attempt;
    await this.#begin(tx);
    const cancel = this.#cancel;
    signal.addEventListener("abort", cancel);
    try {
      this.#reached = { step: "body" };
      const returned = await body(tx);
      // Nobody waits for it any more.
      if (this.slot.loss.error) throw this.slot.loss.error;
      const unreturned = made.unreturned(returned);
      if (unreturned) throw unreturned;
      const outcome = decide(job, runnable.definition, { returned }, workerId, this.attempt.random());
      if (outcome.kind !== "completed") this.#rollBack({ kind: "rolled back", outcome, returned });
      this.#destroyIn(patienceMs);
      this.#reached = { step: "settle" };
      const state = await this.#settle(tx, outcome).catch(explainAborted);
      if (!state) this.#rollBack({ kind: "fenced", outcome, error: this.#takenError() });
      this.#reached = { step: "commit", end: { kind: "committed", outcome, state, returned } };
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  async #begin(tx: Queryable): Promise<void> {
    const { runnable, signal } = this.attempt;
    this.#reached = { step: "bound" };
    const { timeoutMs, cancel } = await this.deps.bound(tx, runnable.timeoutMs);
    this.slot.loss.began(timeoutMs);
    clearTimeout(this.#patience);
    signal.throwIfAborted();
    this.#cancel = cancel;
  }

  #rollBack(end: TransactionEnd): never {
    this.#reached = { step: "roll back", end };
    throw "error" in end ? end.error : new RolledBack("the job is not completed");
  }

  #takenError(): RolledBack {
    const { name, id } = this.attempt.job;
    return new RolledBack(`job ${name} #${id} was taken from this worker: its transaction is rolled back`);
  }

  /** What the transaction came to that did not commit, or whose commit was not answered. */
  async #classify(error: unknown): Promise<TransactionEnd> {
    const { slot } = this;
    const reached = this.#reached;
    if (reached.step === "roll back") return reached.end;
    const lost = reached.step === "begin" ? lostBeforeBegin(error) : slot.loss.error;
    if (reached.step === "commit" && (lost || classifyFailure(error) === "outage")) {
      slot.destroy();
      return this.#lookUpCommit(reached.end, error);
    }
    if (!lost) return { kind: "failed", error };
    slot.destroy();
    // A transaction that took too long is the handler's own doing; one that was abandoned, ours.
    if (lost.timeout || this.abandoned.aborted) return { kind: "failed", error: lost };
    const hasRun = reached.step !== "begin" && reached.step !== "bound";
    return { kind: hasRun ? "disconnected" : "not begun", error: lost };
  }

  /** The commit was not answered: looks whether it was carried out, until the database says so. */
  async #lookUpCommit(end: Committed, cause: unknown): Promise<TransactionEnd> {
    const { outcome } = end;
    const settlement = this.#settlement(outcome);
    const error = new TransactionLostError(undefined, { cause });
    while (!this.abandoned.aborted) {
      const ended = await findCommitted(this.deps.db, this.attempt.workerId, settlement).catch(() => undefined);
      if (!ended) {
        await pause(resolveMs, this.abandoned);
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
    const { settle, emit } = this.deps.settles();
    const deletes = this.deps.deleted.has(job.name) && !emit;
    const [gone] = deletes ? await deleteCompleted(tx, workerId, [settlement]) : [];
    const [settled] = gone ? [gone] : await settle(tx, workerId, [settlement]);
    return settled?.state;
  }

  #settlement(outcome: Outcome): Settlement {
    const { id, claimToken } = this.attempt.job;
    return { id, claimToken, outcome, logs: this.attempt.unwrittenLogs() };
  }

  #destroyIn(ms: number): void {
    if (this.deps.timed) this.#patience = setTimeout(() => this.slot.destroy(), ms);
  }
}

/** PostgreSQL may refuse to begin what is wrong: its connection is not. All else that fails there has no connection. */
function lostBeforeBegin(cause: unknown): TransactionLostError | undefined {
  return classifyFailure(cause) === "row" ? undefined : new TransactionLostError(undefined, { cause });
}

/** A statement of the transaction had failed before: what the settle says of that names only the settle. */
function explainAborted(error: unknown): never {
  if (findErrorCode(error) !== inFailedTransaction) throw error;
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
