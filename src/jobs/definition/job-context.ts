import type { Duration } from "../../core/duration.js";
import type { Queryable } from "../../core/queryable.js";
import type { Cancel, Directive, Discard, Snooze } from "./directives.js";

/** Options of a handler's transaction. */
export interface TransactionOptions {
  /** Default: the default of the database or role, which is `"read committed"` unless it was changed. */
  readonly isolationLevel?: "read committed" | "repeatable read" | "serializable";
}

/**
 * The job that a handler runs, without its payload.
 *
 * `Tx` is the type of the application's transactions. Handlers written in the configuration infer it from its `database`. A
 * handler in a separate file declares it: `job: JobContext<TransactionOf<typeof db>>`.
 */
export interface JobContext<Tx = Queryable> {
  readonly id: number;
  readonly name: string;
  readonly queue: string;
  /** The number of this attempt, from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, unknown>>;
  /**
   * Aborted on timeout, on cancellation, when the claim is lost, and when a shutdown's time for running jobs is over. Pass it on.
   * The handler then has the worker's `timeoutGrace` to end; after that, the worker abandons it.
   */
  readonly signal: AbortSignal;
  /**
   * Runs `write` in a transaction that commits together with the job's completion: both commit, or neither does. Return the value
   * that it returns: that is the job's result. If the result is a directive, or if `write` throws, nothing is written. Call it at
   * most once per attempt. It retries a few times on a conflict with another transaction (40001, 40P01).
   *
   * @param write receives the application's own Drizzle transaction; the time between two of its statements must not exceed the
   *   lease
   * @throws TransactionLostError if the connection broke: the job runs again without losing an attempt, but a crash is counted.
   *   If the error has a `timeout`, PostgreSQL ended the transaction because it ran out of time; that fails the attempt
   */
  readonly transaction: <T>(write: (tx: Tx) => Promise<T>, options?: TransactionOptions) => Promise<T>;
  /**
   * Appends a line to the job's column `logs`, which keeps the last 100 lines, each with its time and attempt, and with the
   * message cut at 2,000 characters. Also emits an event. Never throws, and does not block: the line is written within about a
   * second, and at the latest with the attempt's end. The line stays if a transaction of the job is rolled back.
   *
   * @param fields additional data, as JSON of up to 2,000 characters
   */
  log(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /**
   * Reports the job's progress: `getJob` and `getResult` read it while the job runs. The latest value is written a few times a
   * second and at the end of the attempt; within {@link transaction}, it is written with the transaction. There is nothing to
   * await, and no value fails the job: a value that cannot be stored is reported as an event of type `error`.
   *
   * @param value any value that JSON can carry; keep it short
   */
  readonly progress: (value: unknown) => void;
  /**
   * Return it to run the job again after `delay`, without costing an attempt. The attempt fails if the directive is neither
   * returned nor thrown.
   */
  snooze(delay: Duration): Snooze;
  /** Return it to end the job as cancelled. The attempt fails if the directive is neither returned nor thrown. */
  cancel(reason: string): Cancel;
  /**
   * Return it to end the job as a dead letter, even if attempts are left. The attempt fails if the directive is neither returned
   * nor thrown.
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
  // oxlint-disable-next-line no-explicit-any -- the callback may return anything
  transaction(run: (tx: infer Tx) => Promise<any>, ...options: any[]): Promise<any>;
}
  ? Tx
  : never;
