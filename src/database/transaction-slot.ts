import { recognizeAcrossCopies } from "../core/across-copies.js";
import { findErrorCode, describeError, SoniqError } from "../core/errors.js";
import { isSqlState } from "../core/failure.js";
import type { LossWatch } from "../core/postgres-js-guard.js";
import type { Queryable } from "../core/queryable.js";

/** An application's Drizzle database, as far as its transactions go. */
export interface Transactional<Tx> {
  transaction(run: (tx: Tx) => Promise<unknown>, options?: object): Promise<unknown>;
}

/** A connection for one handler's transaction at a time. Once it broke, it is thrown away together with all that was opened on it. */
export interface TransactionSlot<Tx = Queryable> {
  /** The application's Drizzle over it. */
  readonly db: Transactional<Tx>;
  /** Without the private fields of the class: those of another copy of this package are others to the compiler. */
  readonly loss: Pick<ConnectionLoss, keyof ConnectionLoss>;
  /** Breaks it, whatever it is doing. */
  destroy(): void;
}

/** Opens slots with a driver. */
export interface TransactionDriver<Tx> {
  /**
   * @param url PostgreSQL's connection string
   * @param idleMs how long PostgreSQL waits for the next statement of a transaction
   */
  openSlot(url: string, idleMs: number): TransactionSlot<Tx>;
}

/** Which time of PostgreSQL's ran out: between two statements of a transaction, or for all of it (`transaction_timeout`). */
type TransactionTimeout = "idle" | "transaction";

const timeoutMessages: Record<TransactionTimeout, string> = {
  idle: "PostgreSQL ended the transaction, because no statement came for longer than the lease: do slow work before job.transaction, or set a longer lease",
  transaction:
    "PostgreSQL ended the transaction, because it took longer than the transaction_timeout of its server, database or role: do slow work before job.transaction, or raise that setting",
};

/** The connection of a handler's transaction broke: nothing of it was committed, unless that was under way. */
export class TransactionLostError extends SoniqError {
  override readonly name = "TransactionLostError";
  static {
    recognizeAcrossCopies(this, "TransactionLostError");
  }
  readonly code = "TRANSACTION_LOST";

  constructor(
    /** If PostgreSQL ended it because its time had run out: which one. */
    readonly timeout: TransactionTimeout | undefined,
    options?: ErrorOptions,
  ) {
    super(
      timeout ? timeoutMessages[timeout] : `the connection of the job's transaction broke: ${saidOf(options?.cause)}`,
      options,
    );
  }
}

/** postgres.js drops what PostgreSQL says as it ends a connection. */
function saidOf(cause: unknown): string {
  const said = cause === undefined ? "it was closed" : describeError(cause);
  return isSqlState(findErrorCode(cause)) ? said : `${said} (if PostgreSQL did that, its log says why)`;
}

/** A connection that no transaction needed for this time is given back. */
export const idleConnectionMs = 60_000;

/**
 * What says that a connection, or what runs on it, is of no more use: PostgreSQL's states of connections, a full disk, shutdown,
 * failover and input/output, and the codes of network and drivers. All else is a statement's own error, such as a parameter
 * that cannot be sent.
 */
const isFatal = /^(08...|53[13]00|57P0[1-5]|58...|25006|25P0[34]|CONNECTION_[A-Z]+|CONNECT_TIMEOUT|E(?!RR_)[A-Z]+)$/;

/** The clocks of PostgreSQL and of this process do not start at the same moment. */
const slightlyLess = 0.9;

/** Whether and how the connection of a slot broke. Told before anybody else can act on it. */
export class ConnectionLoss implements LossWatch {
  /** Undefined while the connection stands. */
  error: TransactionLostError | undefined;
  /** Called when the connection is lost: for the one transaction that is open on it. */
  onLoss: (error: TransactionLostError) => void = () => {};
  #inFlight = 0;
  #lastReply = performance.now();
  #overAt = Infinity;

  /** @param idleMs how long PostgreSQL waits for the next statement of a transaction */
  constructor(private readonly idleMs: number) {}

  /** Whether a statement is on its way. */
  get busy(): boolean {
    return this.#inFlight > 0;
  }

  recordSend(): void {
    this.#inFlight += 1;
  }

  /** @param error what a statement failed with, if it did */
  recordReply(error?: unknown): void {
    this.#inFlight -= 1;
    this.#lastReply = performance.now();
    if (error === undefined) return;
    if (isFatal.test(findErrorCode(error) ?? "")) this.lose(error);
  }

  /** A transaction has begun. @param timeoutMs how long PostgreSQL lets it take */
  began(timeoutMs: number): void {
    this.#overAt = performance.now() + slightlyLess * timeoutMs;
  }

  lose(cause?: unknown): void {
    if (this.error) return;
    this.error = new TransactionLostError(this.#timeout(findErrorCode(cause)), { cause });
    this.onLoss(this.error);
  }

  /** A driver may drop what PostgreSQL says, so the time must tell. */
  #timeout(code: string | undefined): TransactionTimeout | undefined {
    if (code === "25P03") return "idle";
    if (code === "25P04") return "transaction";
    if (isSqlState(code)) return undefined;
    const now = performance.now();
    if (now > this.#overAt) return "transaction";
    return this.#inFlight === 0 && now - this.#lastReply > slightlyLess * this.idleMs ? "idle" : undefined;
  }
}
