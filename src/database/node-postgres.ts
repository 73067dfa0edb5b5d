import { Pool, type PoolClient } from "pg";
import { SoniqError } from "../core/errors.js";
import {
  ConnectionLoss,
  type Transactional,
  type TransactionDriver,
  type TransactionSlot,
} from "./transaction-slot.js";

/**
 * Has the transactions of handlers use node-postgres: goes into the configuration as `database`.
 *
 * @param open opens the application's Drizzle over a pool of ours, as in `(pool) => drizzle({ client: pool, schema })`;
 *   called for each connection that is opened
 */
export function nodePostgres<Tx>(open: (pool: Pool) => Transactional<Tx>): TransactionDriver<Tx> {
  return { openSlot: (url, idleMs) => openSlot(url, idleMs, open) };
}

/**
 * A pool of one connection, guarded, for transactions through the application's Drizzle.
 *
 * node-postgres never moves a transaction to another connection; but a client whose connection breaks at rest emits an error
 * that ends the process if nobody listens, and takes queries after it was given back, which may then be another transaction's.
 */
function openSlot<Tx>(url: string, idleMs: number, open: (pool: Pool) => Transactional<Tx>): TransactionSlot<Tx> {
  const loss = new ConnectionLoss(idleMs);
  const pool = new GuardedPool(url, loss);
  return {
    db: open(pool),
    loss,
    destroy() {
      loss.lose();
      pool.destroy();
    },
  };
}

class GuardedPool extends Pool {
  #client: PoolClient | undefined;

  constructor(
    url: string,
    private readonly loss: ConnectionLoss,
  ) {
    super({
      connectionString: url,
      max: 1,
      idleTimeoutMillis: 0,
      connectionTimeoutMillis: 10_000,
      application_name: "soniq-drizzle",
    });
    this.on("error", (error) => loss.lose(error));
  }

  override connect(): Promise<PoolClient>;
  override connect(callback: Parameters<Pool["connect"]>[0]): void;
  override connect(callback?: Parameters<Pool["connect"]>[0]): Promise<PoolClient> | void {
    // Which is how the pool's own `query` asks.
    if (callback) return super.connect(callback);
    return this.#connectGuarded();
  }

  destroy(): void {
    void this.#client?.end().catch(() => {});
    void this.end().catch(() => {});
  }

  async #connectGuarded(): Promise<PoolClient> {
    const client = await super.connect();
    this.#client = client;
    const lost = (error?: Error) => this.loss.lose(error);
    client.on("error", lost).on("end", lost);
    let over = false;
    const query = (...args: unknown[]) => {
      const refusal = this.loss.error ?? (over ? new SoniqError(tooLate) : undefined);
      return refusal ? Promise.reject(refusal) : watched(client, args, this.loss);
    };
    const release = (error?: Error | boolean) => {
      over = true;
      this.#client = undefined;
      client.off("error", lost).off("end", lost);
      client.release(error);
    };
    return new Proxy(client, {
      get(target, key) {
        if (key === "query") return query;
        if (key === "release") return release;
        const value = Reflect.get(target, key) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  }
}

const tooLate = "this transaction has ended: is an `await` missing in the handler?";

/** Has the loss know of each reply before whoever waits for it. */
async function watched(client: PoolClient, args: unknown[], loss: ConnectionLoss): Promise<unknown> {
  loss.sent();
  try {
    const result = await (client.query as (...all: unknown[]) => Promise<unknown>).apply(client, args);
    loss.replied();
    return result;
  } catch (error) {
    loss.replied(error);
    throw loss.error ?? error;
  }
}
