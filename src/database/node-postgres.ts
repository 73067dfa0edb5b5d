import { Pool, type PoolClient } from "pg";
import { TransactionEndedError } from "../core/postgres-js-guard.js";
import { applicationName, driverSettings } from "./client.js";
import {
  ConnectionLoss,
  idleConnectionMs,
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
      idleTimeoutMillis: idleConnectionMs,
      connectionTimeoutMillis: driverSettings.connect_timeout * 1_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: driverSettings.keep_alive * 1_000,
      maxLifetimeSeconds: 0,
      application_name: applicationName,
    });
    this.on("error", (error) => loss.lose(error));
    // Before the pool takes its own listener off: an error that nobody hears would end the process.
    this.on("connect", (client) => {
      client.on("error", (error) => loss.lose(error)).on("end", () => loss.lose());
    });
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
    if (this.loss.error) {
      client.release(true);
      throw this.loss.error;
    }
    this.#client = client;
    let over = false;
    const query = (...args: unknown[]) => {
      const refusal = this.loss.error ?? (over ? new TransactionEndedError() : undefined);
      if (refusal) return Promise.reject(refusal);
      const end = ending(args[0]);
      // The driver sends one statement after the other: what comes after this one would be carried out, and stay.
      if (end) over = true;
      return watched(client, args, this.loss, end);
    };
    const release = (error?: Error | boolean) => {
      over = true;
      this.#client = undefined;
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

/** Which end of a transaction a query is, if it is one. Savepoints have ends of their own. */
function ending(query: unknown): "COMMIT" | "ROLLBACK" | undefined {
  const statement = typeof query === "string" ? query : (query as { text?: unknown } | null)?.text;
  const end = typeof statement === "string" ? statement.trim().toUpperCase() : "";
  return end === "COMMIT" || end === "ROLLBACK" ? end : undefined;
}

/** Has the loss know of each reply before whoever waits for it. */
async function watched(
  client: PoolClient,
  args: unknown[],
  loss: ConnectionLoss,
  end: ReturnType<typeof ending>,
): Promise<unknown> {
  loss.recordSend();
  const query = client.query as (...all: unknown[]) => Promise<{ readonly command?: string }>;
  const result = await query.apply(client, args).catch((error: unknown) => {
    loss.recordReply(error);
    throw loss.error ?? error;
  });
  loss.recordReply();
  // PostgreSQL answers the commit of a transaction in which a statement has failed with a rollback, which is no error.
  if (end === "COMMIT" && result.command === "ROLLBACK") throw new TransactionEndedError();
  return result;
}
