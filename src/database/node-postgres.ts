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
 * Makes the transactions of handlers use node-postgres. Pass the result in the configuration as `database`.
 *
 * @param open opens the application's Drizzle on a pool that the worker creates, as in
 *   `(pool) => drizzle({ client: pool, schema })`; called once for each connection
 */
export function nodePostgres<Tx>(open: (pool: Pool) => Transactional<Tx>): TransactionDriver<Tx> {
  return { openSlot: (url, idleTimeoutMs) => openSlot(url, idleTimeoutMs, open) };
}

/**
 * Opens a guarded pool of one connection, for transactions through the application's Drizzle.
 *
 * node-postgres never moves a transaction to another connection. But a client whose connection breaks while it is idle emits an error,
 * which ends the process unless someone listens. And a released client still accepts queries, which may run in another transaction.
 */
function openSlot<Tx>(
  url: string,
  idleTimeoutMs: number,
  open: (pool: Pool) => Transactional<Tx>,
): TransactionSlot<Tx> {
  const loss = new ConnectionLoss(idleTimeoutMs);
  const pool = new GuardedPool(url, loss);
  return {
    db: open(pool),
    loss,
    destroy() {
      loss.recordLoss();
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
    this.on("error", (error) => loss.recordLoss(error));
    // The pool removes its own listener when a client is checked out, and an error without a listener would end the process.
    this.on("connect", (client) => {
      client.on("error", (error) => loss.recordLoss(error)).on("end", () => loss.recordLoss());
    });
  }

  override connect(): Promise<PoolClient>;
  override connect(callback: Parameters<Pool["connect"]>[0]): void;
  override connect(callback?: Parameters<Pool["connect"]>[0]): Promise<PoolClient> | void {
    // Only the pool's own `query` passes a callback.
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
    let isOver = false;
    const query = (...args: unknown[]) => {
      const refusal = this.loss.error ?? (isOver ? new TransactionEndedError() : undefined);
      if (refusal) return Promise.reject(refusal);
      const end = parseTransactionEnd(args[0]);
      // The driver queues statements, so one that follows `commit` or `rollback` would run outside the transaction and take effect.
      if (end) isOver = true;
      return sendWatched(client, args, this.loss, end);
    };
    const release = (error?: Error | boolean) => {
      isOver = true;
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

/** Recognizes a query that ends a transaction. `rollback to savepoint` does not. */
function parseTransactionEnd(query: unknown): "COMMIT" | "ROLLBACK" | undefined {
  const statement = typeof query === "string" ? query : (query as { text?: unknown } | null)?.text;
  const end = typeof statement === "string" ? statement.trim().toUpperCase() : "";
  return end === "COMMIT" || end === "ROLLBACK" ? end : undefined;
}

/** Records each reply before the query settles, so that the loss is known before the caller continues. */
async function sendWatched(
  client: PoolClient,
  args: unknown[],
  loss: ConnectionLoss,
  end: ReturnType<typeof parseTransactionEnd>,
): Promise<unknown> {
  loss.recordSend();
  const query = client.query as (...all: unknown[]) => Promise<{ readonly command?: string }>;
  const result = await query.apply(client, args).catch((error: unknown) => {
    loss.recordReply(error);
    throw loss.error ?? error;
  });
  loss.recordReply();
  // After a failed statement, PostgreSQL answers `commit` with ROLLBACK but no error.
  if (end === "COMMIT" && result.command === "ROLLBACK") throw new TransactionEndedError();
  return result;
}
