import { SoniqError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";

/** An application's Drizzle database, as far as its transactions go. */
export interface Transactional<Tx> {
  transaction(run: (tx: Tx) => Promise<unknown>, options?: object): Promise<unknown>;
}

/** A connection for one handler's transaction at a time. Once it broke, it is thrown away together with all that was opened on it. */
export interface TransactionSlot<Tx = Queryable> {
  /** The application's Drizzle over it. */
  readonly db: Transactional<Tx>;
  readonly loss: ConnectionLoss;
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

/** The connection of a handler's transaction broke: nothing of it was committed, unless that was under way. */
export class TransactionLostError extends SoniqError {
  override readonly name = "TransactionLostError";
  readonly code = "TRANSACTION_LOST";

  constructor(
    /** Whether PostgreSQL ended it, because too long passed between two statements. */
    readonly idle: boolean,
    options?: ErrorOptions,
  ) {
    super(
      idle
        ? "PostgreSQL ended the transaction, because no statement came for longer than the lease: do slow work before job.transaction, or set a longer lease"
        : "the connection of the job's transaction broke",
      options,
    );
  }
}

/** Server states after which a connection, or what runs on it, is of no more use: resources, shutdown, failover, input/output. */
const isFatal = /^(08|53|57P|58|25006|25P0[34])/;

/** Whether and how the connection of a slot broke. Told before anybody else can act on it. */
export class ConnectionLoss {
  /** Undefined while the connection stands. */
  error: TransactionLostError | undefined;
  /** Called when the connection is lost: for the one transaction that is open on it. */
  onLoss: (error: TransactionLostError) => void = () => {};
  #inFlight = 0;
  #lastReply = performance.now();

  /** @param idleMs how long PostgreSQL waits for the next statement of a transaction */
  constructor(private readonly idleMs: number) {}

  sent(): void {
    this.#inFlight += 1;
  }

  /** @param error what a statement failed with, if it did */
  replied(error?: unknown): void {
    this.#inFlight -= 1;
    this.#lastReply = performance.now();
    if (error === undefined) return;
    const { code } = error as { code?: unknown };
    // A code of five characters is PostgreSQL's, any other the driver's or the network's.
    const isServers = typeof code === "string" && code.length === 5;
    if (!isServers || isFatal.test(code)) this.lose(error);
  }

  lose(cause?: unknown): void {
    if (this.error) return;
    // The driver drops what PostgreSQL says to a connection at rest, so the time must tell.
    const idle = this.#inFlight === 0 && performance.now() - this.#lastReply > 0.9 * this.idleMs;
    this.error = new TransactionLostError(idle, { cause });
    this.onLoss(this.error);
  }
}
