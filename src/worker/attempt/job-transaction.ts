import { SoniqError } from "../../core/errors.js";
import { isConflict } from "../../core/retry-conflicts.js";
import type { TransactionSlot } from "../../database/transaction-slot.js";
import type { TransactionOptions } from "../../jobs/definition/job-context.js";
import type { TransactionEnd } from "./attempt-end.js";
import { pause } from "../timing/periodic-tasks.js";
import {
  type TransactionAttempt,
  type TransactionBody,
  type TransactionDeps,
  TransactionTry,
} from "./transaction-try.js";

/** How often a handler's transaction is tried when it conflicts with other transactions. */
const maxConflictTries = 5;

/**
 * The transaction of one attempt. It contains the handler's statements, and the settle as its last statement, so either both
 * commit or neither does.
 */
export class JobTransaction {
  #end: Promise<TransactionEnd> | undefined;
  #try: TransactionTry | undefined;
  /** Whether the database has answered that the claim ended: by this settle, or before it. */
  #hasClaimEnded = false;
  readonly #abandoned = new AbortController();

  constructor(
    private readonly attempt: TransactionAttempt,
    private readonly deps: TransactionDeps,
  ) {}

  /** @returns the body's return value, once the transaction has committed; or has rolled back, if the value does not complete the job */
  run(body: TransactionBody, options?: TransactionOptions): Promise<unknown> {
    if (this.#end)
      throw new SoniqError(
        `job ${this.attempt.job.name}: job.transaction was called twice: its commit ends the job, so there is one per attempt`,
      );
    this.#end = this.#retryConflicts(body, options).catch((error: unknown) => ({ kind: "failed", error }));
    const result = this.#end.then((end) => {
      if ("error" in end) throw end.error;
      return end.returned;
    });
    // Prevents an unhandled rejection if the handler does not await it. The attempt learns of the error from `waitForEnd`.
    result.catch(() => {});
    return result;
  }

  /** Whether a try is running. */
  get isOpen(): boolean {
    return this.#try !== undefined;
  }

  /** Whether the settle has been sent. From then on its answer decides about the claim. */
  get isSettling(): boolean {
    return this.#hasClaimEnded || (this.#try?.isSettling ?? false);
  }

  /** Resolves when the transaction ends, for a handler that did not await it. Never rejects. */
  waitForEnd(): Promise<TransactionEnd | undefined> {
    return Promise.resolve(this.#end);
  }

  /** Resolves at once: with the end if the transaction has ended, otherwise with undefined. */
  peekEnd(): Promise<TransactionEnd | undefined> {
    return Promise.race([this.#end, undefined]);
  }

  /** Breaks the connection of an abandoned handler's transaction. */
  abandon(): void {
    this.#abandoned.abort();
    this.#try?.abandon();
  }

  async #retryConflicts(body: TransactionBody, options?: TransactionOptions): Promise<TransactionEnd> {
    const { signal, directives } = this.attempt;
    // Progress that is written outside the transaction would conflict with its settle at REPEATABLE READ.
    await this.attempt.progress()?.stopWriting();
    const directivesBefore = directives.count;
    for (let tries = 1; ; tries += 1) {
      // The time was up before the attempt asked for a connection. It has not merely waited, so this counts as a failed attempt.
      signal.throwIfAborted();
      const end = await this.#runInSlot(body, options);
      if (end.kind !== "failed" || !isConflict(end.error) || signal.aborted || tries === maxConflictTries) return end;
      directives.keepFirst(directivesBefore);
      await pause(Math.random() * 20 * 2 ** tries, signal);
    }
  }

  async #runInSlot(body: TransactionBody, options?: TransactionOptions): Promise<TransactionEnd> {
    const { slots } = this.deps;
    let slot: TransactionSlot;
    try {
      slot = await slots.acquire(this.attempt.signal);
    } catch (cause) {
      return { kind: "not started", error: this.#toConnectionError(cause) };
    }
    this.#try = new TransactionTry(slot, this.attempt, this.deps, this.#abandoned.signal);
    try {
      const end = await this.#try.run(body, options);
      this.#hasClaimEnded = end.kind === "committed" || end.kind === "fenced";
      return end;
    } finally {
      this.#try = undefined;
      slots.release(slot);
    }
  }

  #toConnectionError(cause: unknown): SoniqError {
    return new SoniqError(
      `job ${this.attempt.job.name}: job.transaction waited for a connection until the attempt was interrupted: raise the worker's maxConnections, or run fewer of its jobs at once`,
      { cause },
    );
  }
}
