import type { Duration } from "../../core/duration.js";
import type { Queryable } from "../../core/queryable.js";
import type { Cancel, Directive, Discard, Snooze } from "./directives.js";

/** How a handler's transaction is isolated. */
export interface TransactionOptions {
  /** Default: that of the database or role, which is `"read committed"` unless somebody changed it. */
  readonly isolationLevel?: "read committed" | "repeatable read" | "serializable";
}

/**
 * What a handler knows of the job that it runs, beside the payload.
 *
 * `Tx` is the type of the application's transactions: the configuration's `database` tells it to the handlers written there.
 * A handler in a file of its own says it: `job: JobContext<TransactionOf<typeof db>>`.
 */
export interface JobContext<Tx = Queryable> {
  readonly id: number;
  readonly name: string;
  readonly queue: string;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, unknown>>;
  /**
   * Aborted on timeout, cancellation, the loss of the claim, and at the end of a shutdown's drain time. Pass it on: the handler
   * has the worker's `timeoutGrace` to end from then on, and is left behind after that.
   */
  readonly signal: AbortSignal;
  /**
   * Runs `write` in a transaction that ends with the job's completion: both are committed, or neither is. Return what it
   * returns, which is the job's result; with a directive for a result, or when `write` throws, nothing is written. Once per
   * attempt. Where another transaction is in its way (40001, 40P01), it begins again a few times.
   *
   * @param write gets the application's own Drizzle transaction; between two of its statements no more than the lease may pass
   * @throws TransactionLostError if the connection broke: the job runs again, and no attempt is lost, but a crash is counted.
   *   With a `timeout` PostgreSQL ended it because its time had run out, which fails the attempt
   */
  readonly transaction: <T>(write: (tx: Tx) => Promise<T>, options?: TransactionOptions) => Promise<T>;
  /**
   * Keeps a line with the job, in the column `logs`, which has the last 100 of them: each with its time and attempt, the message
   * cut at 2,000 characters. Tells it as an event, too. Never throws, and waits for nothing: it is written within a second or so,
   * and with the attempt's end. What a transaction of the job rolls back, its log keeps.
   *
   * @param fields what else to keep, as JSON of up to 2,000 characters
   */
  log(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /**
   * Says how far it is: `getJob` and `getResult` read it while the job runs. Written a few times a second, of which the latest
   * value counts, and at the end of the attempt; within {@link transaction}, together with that. Nothing is to be awaited, and
   * no value fails the job: what cannot be stored is an event of type `trouble`.
   *
   * @param value anything that JSON can carry; keep it short
   */
  readonly progress: (value: unknown) => void;
  /** Return it to run again after `delay`, without costing an attempt. One that is neither returned nor thrown fails the attempt. */
  snooze(delay: Duration): Snooze;
  /** Return it to end the job as cancelled. One that is neither returned nor thrown fails the attempt. */
  cancel(reason: string): Cancel;
  /**
   * Return it to end the job as a dead letter, whatever attempts are left. One that is neither returned nor thrown fails the
   * attempt.
   */
  discard(reason: string): Discard;
}

/** Runs one attempt of a job: returns its result or a directive, or throws. */
export type HandlerFunction<Out, ResultIn, Tx = Queryable> = (
  payload: Out,
  job: JobContext<Tx>,
) => ResultIn | Directive | Promise<ResultIn | Directive>;

/** The type of the transactions of a Drizzle database, as in `TransactionOf<typeof db>`. */
export type TransactionOf<Db> = Db extends {
  // oxlint-disable-next-line no-explicit-any -- whatever the callback gives
  transaction(run: (tx: infer Tx) => Promise<any>, ...options: any[]): Promise<any>;
}
  ? Tx
  : never;
