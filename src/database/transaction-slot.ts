import { recognizeAcrossCopies } from "../core/recognize-across-copies.js";
import { describeError, findErrorCode, SoniqError } from "../core/errors.js";
import { isSqlState } from "../core/failure.js";
import type { LossWatch } from "../core/postgres-js-guard.js";
import type { Queryable } from "../core/queryable.js";

/** The part of the application's Drizzle database that runs transactions. */
export interface Transactional<Tx> {
  transaction(run: (tx: Tx) => Promise<unknown>, options?: object): Promise<unknown>;
}

/** A connection for one handler's transaction at a time. If the connection breaks, the whole slot is discarded. */
export interface TransactionSlot<Tx = Queryable> {
  /** The application's Drizzle on this connection. */
  readonly db: Transactional<Tx>;
  /** The type omits the private fields of the class: to the compiler, those of another copy of this package are different. */
  readonly loss: Pick<ConnectionLoss, keyof ConnectionLoss>;
  /** Breaks the connection, even during a transaction. */
  destroy(): void;
}

/** Opens slots with a driver. */
export interface TransactionDriver<Tx> {
  /**
   * @param url PostgreSQL's connection string
   * @param idleTimeoutMs how long PostgreSQL waits for the next statement of a transaction before it ends the transaction
   */
  openSlot(url: string, idleTimeoutMs: number): TransactionSlot<Tx>;
}

/**
 * PostgreSQL's timeout that expired: `idle` between two statements of a transaction, `transaction` for the whole of it
 * (`transaction_timeout`).
 */
type TransactionTimeout = "idle" | "transaction";

const timeoutMessages: Record<TransactionTimeout, string> = {
  idle: "PostgreSQL ended the transaction, because no statement came for longer than the lease: do slow work before job.transaction, or set a longer lease",
  transaction:
    "PostgreSQL ended the transaction, because it took longer than the transaction_timeout of its server, database or role: do slow work before job.transaction, or raise that setting",
};

/** The connection of a handler's transaction broke. Nothing was committed, unless the commit was already in flight. */
export class TransactionLostError extends SoniqError {
  override readonly name = "TransactionLostError";
  static {
    recognizeAcrossCopies(this, "TransactionLostError");
  }
  readonly code = "TRANSACTION_LOST";

  constructor(
    /** The timeout that made PostgreSQL end the transaction; undefined for any other cause. */
    readonly timeout: TransactionTimeout | undefined,
    options?: ErrorOptions,
  ) {
    super(
      timeout
        ? timeoutMessages[timeout]
        : `the connection of the job's transaction broke: ${describeCause(options?.cause)}`,
      options,
    );
  }
}

/**
 * Describes why the connection broke. postgres.js drops PostgreSQL's last message, so the text may refer to the server's log.
 */
function describeCause(cause: unknown): string {
  const message = cause === undefined ? "it was closed" : describeError(cause);
  return isSqlState(findErrorCode(cause)) ? message : `${message} (if PostgreSQL did that, its log says why)`;
}

/** A connection that no transaction has used for this time is closed. */
export const idleConnectionMs = 60_000;

/**
 * The codes after which a connection or its transaction is unusable: PostgreSQL's states for connections, exhausted resources,
 * shutdown, failover, input/output and timeouts, and the codes of the network and the drivers. Any other error concerns a single
 * statement, such as a parameter that cannot be serialized.
 */
const fatalCode = /^(08...|53[13]00|57P0[1-5]|58...|25006|25P0[34]|CONNECTION_[A-Z]+|CONNECT_TIMEOUT|E(?!RR_)[A-Z]+)$/;

/**
 * The part of a timeout that must have passed on our clock to count as expired: PostgreSQL starts its clock at another moment.
 */
const clockTolerance = 0.9;

/** Records whether and why a slot's connection broke. The drivers' guards update it before any caller can react. */
export class ConnectionLoss implements LossWatch {
  /** The cause of the loss; undefined while the connection is up. */
  error: TransactionLostError | undefined;
  /** Called when the connection is lost. The open transaction sets it. */
  onLoss: (error: TransactionLostError) => void = () => {};
  #inFlight = 0;
  #lastReplyAt = performance.now();
  #timeoutAt = Infinity;

  /** @param idleTimeoutMs how long PostgreSQL waits for the next statement of a transaction */
  constructor(private readonly idleTimeoutMs: number) {}

  /** Whether a statement is in flight. */
  get busy(): boolean {
    return this.#inFlight > 0;
  }

  recordSend(): void {
    this.#inFlight += 1;
  }

  /** @param error the statement's error, if it failed */
  recordReply(error?: unknown): void {
    this.#inFlight -= 1;
    this.#lastReplyAt = performance.now();
    if (error === undefined) return;
    if (fatalCode.test(findErrorCode(error) ?? "")) this.recordLoss(error);
  }

  /** Records that a transaction has begun. @param timeoutMs PostgreSQL's `transaction_timeout` */
  recordBegin(timeoutMs: number): void {
    this.#timeoutAt = performance.now() + clockTolerance * timeoutMs;
  }

  recordLoss(cause?: unknown): void {
    if (this.error) return;
    this.error = new TransactionLostError(this.#findTimeout(findErrorCode(cause)), { cause });
    this.onLoss(this.error);
  }

  /** Finds the timeout that expired: by its code or, since a driver may drop PostgreSQL's message, by the elapsed time. */
  #findTimeout(code: string | undefined): TransactionTimeout | undefined {
    if (code === "25P03") return "idle";
    if (code === "25P04") return "transaction";
    if (isSqlState(code)) return undefined;
    const now = performance.now();
    if (now > this.#timeoutAt) return "transaction";
    return this.#inFlight === 0 && now - this.#lastReplyAt > clockTolerance * this.idleTimeoutMs ? "idle" : undefined;
  }
}
