import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { SoniqError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { applicationName } from "./client.js";
import { connectionTarget } from "./connection-url.js";
import { learnArrays } from "./postgres-js-arrays.js";
import {
  ConnectionLoss,
  idleConnectionMs,
  TransactionEndedError,
  type Transactional,
  type TransactionDriver,
  type TransactionSlot,
} from "./transaction-slot.js";

/**
 * Has the transactions of handlers use postgres.js and the application's own Drizzle: goes into the configuration as `database`.
 *
 * @param open opens Drizzle over a client of ours, as in `(client) => drizzle({ client, schema })`; called for each connection
 *   that is opened
 */
export function postgresJs<Tx>(open: (client: Sql) => Transactional<Tx>): TransactionDriver<Tx> {
  return { openSlot: (url, idleMs) => openSlot(url, idleMs, open) };
}

/** Drizzle without an application's schema. */
export const plainPostgresJs = postgresJs<Queryable>((client) => drizzle({ client }));

/** The parts of a query of postgres.js that its types leave out: it settles itself by these. */
interface Query {
  resolve(rows: unknown): void;
  reject(error: unknown): void;
}
type Body = (client: Sql) => unknown;

/**
 * A client of one connection, guarded, for transactions through the application's Drizzle.
 *
 * postgres.js 3.4.9 does not survive the death of a connection inside `begin`: it may end the process with an uncaught
 * TypeError, or write what the dead transaction sends next into another one, and commit that. The same holds for savepoints,
 * which are Drizzle's nested transactions, and for queries that are chained, as Drizzle's builder does. So every way to the
 * connection is wrapped, and refuses once the connection is lost or the transaction is over.
 */
function openSlot<Tx>(url: string, idleMs: number, open: (client: Sql) => Transactional<Tx>): TransactionSlot<Tx> {
  const loss = new ConnectionLoss(idleMs);
  const { url: address, options } = connectionTarget(url);
  const client = postgres(address, {
    ...options,
    max: 1,
    prepare: false,
    fetch_types: false,
    connect_timeout: 10,
    max_lifetime: null,
    idle_timeout: idleConnectionMs / 1_000,
    onnotice: () => {},
    onclose: () => loss.lose(),
    connection: { application_name: applicationName },
  });
  let arrays: Promise<void> | undefined;
  const guarded = new Proxy(client, {
    get(target, key) {
      if (key !== "begin") return Reflect.get(target, key) as unknown;
      return async (...args: [...unknown[], Body]) => {
        await (arrays ??= learnArrays(client));
        const body = args.pop() as Body;
        const scope = { over: false };
        return (target.begin as (...all: unknown[]) => unknown)(...args, settling(body, loss, scope, true));
      };
    },
  });
  return {
    db: open(guarded),
    loss,
    destroy() {
      loss.lose();
      void client.end({ timeout: 0 });
    },
  };
}

/** Whether the transaction that a wrapped client belongs to has ended. */
interface Scope {
  over: boolean;
}

/**
 * The body of a transaction or savepoint. Once the connection is lost it never settles: the driver would send a rollback of
 * its own, to no connection or to the next one.
 */
function settling(body: Body, loss: ConnectionLoss, scope: Scope, outermost: boolean): Body {
  return async (client) => {
    const run = async () => {
      try {
        return await body(wrapped(client, loss, scope));
      } finally {
        scope.over ||= outermost;
      }
    };
    try {
      const returned = await run();
      // If it fails, it takes the transaction with it, and PostgreSQL answers the commit with a rollback, which is no error.
      if (outermost && loss.busy && !loss.error) throw new TransactionEndedError();
      return loss.error ? new Promise(() => {}) : returned;
    } catch (error) {
      if (loss.error) return new Promise(() => {});
      throw error;
    }
  };
}

function wrapped(client: Sql, loss: ConnectionLoss, scope: Scope): Sql {
  const refusal = () => loss.error ?? (scope.over ? new TransactionEndedError() : undefined);
  const send = (run: () => unknown) => {
    const error = refusal();
    return error ? refused(error) : watched(run() as Query, loss);
  };
  return new Proxy(client, {
    // Fragments such as sql("name") are no queries.
    apply: (target, self, args) =>
      isTemplate(args[0])
        ? send(() => Reflect.apply(target, self, args) as unknown)
        : (Reflect.apply(target, self, args) as unknown),
    get(target, key) {
      const value = Reflect.get(target, key) as unknown;
      if (key === "unsafe" || key === "file") {
        return (...args: unknown[]) => send(() => (value as (...all: unknown[]) => unknown)(...args));
      }
      if (key === "savepoint") {
        return (...args: [...unknown[], Body]) => {
          const error = refusal();
          if (error) return refused(error);
          const body = args.pop() as Body;
          return (value as (...all: unknown[]) => unknown)(...args, settling(body, loss, scope, false));
        };
      }
      return value;
    },
  });
}

function isTemplate(strings: unknown): boolean {
  return Array.isArray(strings) && "raw" in strings;
}

/** Has the loss know of each reply before whoever waits for it. */
function watched(query: Query, loss: ConnectionLoss): unknown {
  const { resolve, reject } = query;
  loss.sent();
  query.resolve = (rows) => {
    loss.replied();
    resolve(rows);
  };
  query.reject = (error) => {
    loss.replied(error);
    reject(error);
  };
  return query;
}

/** A query that fails, however it is chained. Nobody need wait for it: that is no unhandled rejection. */
function refused(why: SoniqError): unknown {
  const query = Promise.reject<never>(why);
  query.catch(() => {});
  const itself = () => query;
  return Object.assign(query, { values: itself, raw: itself, simple: itself, execute: itself, describe: itself });
}
