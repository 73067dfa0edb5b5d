import { SoniqError } from "./errors.js";

/** What a statement meets that is sent when its transaction has ended, and a transaction that ends with a statement on its way. */
export class TransactionEndedError extends SoniqError {
  override readonly name = "TransactionEndedError";
  /** PostgreSQL's own for a transaction that was rolled back. */
  readonly code = "40000";

  constructor() {
    super("a statement came after the end of its transaction: is an `await` missing in the handler?");
  }
}

/** Knows whether the connection of a transaction is lost. */
export interface LossWatch {
  /** Undefined while the connection stands. */
  readonly error: Error | undefined;
  /** Whether a statement is on its way. */
  readonly busy: boolean;
  recordSend(): void;
  /** @param error what the statement failed with, if it did */
  recordReply(error?: unknown): void;
}

/** The parts of a query of postgres.js that its types leave out: it settles itself by these. */
interface Query {
  resolve(rows: unknown): void;
  reject(error: unknown): void;
}
/** The client of postgres.js, or of one of its transactions: a template function that carries methods. */
export type PostgresJsClient = (...args: never[]) => unknown;
/** What runs in a transaction of postgres.js, or at a savepoint. */
export type Body = (client: PostgresJsClient) => unknown;

/**
 * Guards the body of a transaction of postgres.js.
 *
 * postgres.js 3.4.9 does not survive the death of a connection inside `begin`: it may end the process with an uncaught
 * TypeError, or write what the dead transaction sends next into another one, and commit that. The same holds for savepoints,
 * which are Drizzle's nested transactions, and for queries that are chained, as Drizzle's builder does. So every way to the
 * connection is wrapped, and refuses once the connection is lost or the transaction is over.
 */
export function guardBody(body: Body, loss: LossWatch): Body {
  return wrapBody(body, loss, { isOver: false }, true);
}

/** Whether the transaction that a wrapped client belongs to has ended. */
interface Scope {
  isOver: boolean;
}

/**
 * The body of a transaction or savepoint. Once the connection is lost it never settles: the driver would send a rollback of
 * its own, to no connection or to the next one.
 */
function wrapBody(body: Body, loss: LossWatch, scope: Scope, outermost: boolean): Body {
  return async (client) => {
    const run = async () => {
      try {
        return await body(wrapClient(client, loss, scope));
      } finally {
        scope.isOver ||= outermost;
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

function wrapClient(client: PostgresJsClient, loss: LossWatch, scope: Scope): PostgresJsClient {
  const findRefusal = () => loss.error ?? (scope.isOver ? new TransactionEndedError() : undefined);
  const send = (run: () => unknown) => {
    const error = findRefusal();
    return error ? createRejectedQuery(error) : watchReply(run() as Query, loss);
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
          const error = findRefusal();
          if (error) return createRejectedQuery(error);
          const body = args.pop() as Body;
          return (value as (...all: unknown[]) => unknown)(...args, wrapBody(body, loss, scope, false));
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
function watchReply(query: Query, loss: LossWatch): unknown {
  const { resolve, reject } = query;
  loss.recordSend();
  query.resolve = (rows) => {
    loss.recordReply();
    resolve(rows);
  };
  query.reject = (error) => {
    loss.recordReply(error);
    reject(error);
  };
  return query;
}

/** A query that fails, however it is chained. Nobody need wait for it: that is no unhandled rejection. */
function createRejectedQuery(why: Error): unknown {
  const query = Promise.reject<never>(why);
  query.catch(() => {});
  const getQuery = () => query;
  return Object.assign(query, { values: getQuery, raw: getQuery, simple: getQuery, execute: getQuery, describe: getQuery });
}
