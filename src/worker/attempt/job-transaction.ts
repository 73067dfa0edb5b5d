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

/** A handler's transaction is tried so often where another one is in its way. */
const maxConflictTries = 5;

/**
 * The transaction of one attempt: what the handler writes in it, and the settle as its last statement. Both are committed,
 * or neither is.
 */
export class JobTransaction {
  #ended: Promise<TransactionEnd> | undefined;
  #try: TransactionTry | undefined;
  /** Whether the database has said what became of the claim. */
  #settled = false;
  readonly #abandoned = new AbortController();

  constructor(
    private readonly attempt: TransactionAttempt,
    private readonly deps: TransactionDeps,
  ) {}

  /** @returns what the body returned, once it is committed, or rolled back since that does not complete the job */
  run(body: TransactionBody, options?: TransactionOptions): Promise<unknown> {
    if (this.#ended)
      throw new SoniqError(
        `job ${this.attempt.job.name}: job.transaction was called twice: its commit ends the job, so there is one per attempt`,
      );
    this.#ended = this.#untilNoConflict(body, options).catch((error: unknown) => ({ kind: "failed", error }));
    const result = this.#ended.then((end) => {
      if ("error" in end) throw end.error;
      return end.returned;
    });
    // A handler that does not wait for it learns of nothing; `end` tells the attempt.
    result.catch(() => {});
    return result;
  }

  /** Whether it is under way. */
  get open(): boolean {
    return this.#try !== undefined;
  }

  /** Whether the settle has been sent: what this says of the claim counts. */
  get settling(): boolean {
    return this.#settled || (this.#try?.settling ?? false);
  }

  /** Waits for its end, as the handler may have not. Never rejects. */
  end(): Promise<TransactionEnd | undefined> {
    return Promise.resolve(this.#ended);
  }

  /** Its end if it has come to it; otherwise undefined, at once. */
  endSoFar(): Promise<TransactionEnd | undefined> {
    return Promise.race([this.#ended, undefined]);
  }

  /** Nobody waits any longer: breaks the connection. */
  abandon(): void {
    this.#abandoned.abort();
    this.#try?.abandon();
  }

  async #untilNoConflict(body: TransactionBody, options?: TransactionOptions): Promise<TransactionEnd> {
    const { signal, made } = this.attempt;
    // Written beside it, at REPEATABLE READ it would be in its way.
    await this.attempt.progress()?.hold();
    const madeBefore = made.count;
    for (let tries = 1; ; tries += 1) {
      // An attempt whose time is up before it asks for a connection has not only waited: it counts.
      signal.throwIfAborted();
      const end = await this.#inSlot(body, options);
      if (end.kind !== "failed" || !isConflict(end.error) || signal.aborted || tries === maxConflictTries) return end;
      made.keepFirst(madeBefore);
      await pause(Math.random() * 20 * 2 ** tries, signal);
    }
  }

  async #inSlot(body: TransactionBody, options?: TransactionOptions): Promise<TransactionEnd> {
    const { slots } = this.deps;
    let slot: TransactionSlot;
    try {
      slot = await slots.take(this.attempt.signal);
    } catch (cause) {
      return { kind: "not begun", error: this.#noConnection(cause) };
    }
    this.#try = new TransactionTry(slot, this.attempt, this.deps, this.#abandoned.signal);
    try {
      const end = await this.#try.run(body, options);
      this.#settled = end.kind === "committed" || end.kind === "fenced";
      return end;
    } finally {
      this.#try = undefined;
      slots.giveBack(slot);
    }
  }

  #noConnection(cause: unknown): SoniqError {
    return new SoniqError(
      `job ${this.attempt.job.name}: it waited for a connection for job.transaction until it was interrupted: allow the worker more of them (maxConnections), or run fewer of its jobs at once`,
      { cause },
    );
  }
}
