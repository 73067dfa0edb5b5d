import { SoniqError } from "./errors.js";

/** A statement was sent after its transaction had ended, or the transaction ended while a statement was in flight. */
export class TransactionEndedError extends SoniqError {
  override readonly name = "TransactionEndedError";
  /** PostgreSQL's SQLSTATE for a transaction that was rolled back. */
  readonly code = "40000";

  constructor() {
    super("a statement was sent after its transaction ended: is an `await` missing in the handler?");
  }
}

/** Tracks the statements of a transaction, and whether its connection was lost. */
export interface LossWatch {
  /** The cause of the loss; undefined while the connection is up. */
  readonly error: Error | undefined;
  /** Whether a statement is in flight. */
  readonly busy: boolean;
  recordSend(): void;
  /** @param error the statement's error, if it failed */
  recordReply(error?: unknown): void;
}

/** The parts of a postgres.js query that its types omit. The driver calls them to settle the query. */
interface Query {
  resolve(rows: unknown): void;
  reject(error: unknown): void;
}
/** The client of postgres.js, or of one of its transactions: a template function with methods. */
export type PostgresJsClient = (...args: never[]) => unknown;
/** The function that postgres.js runs in a transaction or savepoint. */
export type Body = (client: PostgresJsClient) => unknown;

/**
 * Guards the body of a postgres.js transaction against the loss of its connection.
 *
 * postgres.js 3.4.9 does not survive the loss of a connection inside `begin`. It may end the process with an uncaught TypeError, or run
 * the next statement of the dead transaction in another transaction and commit it. The same holds for savepoints, which Drizzle uses
 * for nested transactions, and for chained queries, which Drizzle's builder sends. So every method that sends a statement is wrapped,
 * and rejects once the connection is lost or the transaction has ended.
 */
export function guardBody(body: Body, loss: LossWatch): Body {
  return wrapBody(body, loss, { isOver: false }, true);
}

interface Scope {
  /** Whether the transaction that the wrapped clients belong to has ended. */
  isOver: boolean;
}

/**
 * Wraps the body of a transaction or savepoint. Once the connection is lost, the wrapped body never settles: otherwise the driver
 * would send a rollback, either to no connection or to the next one.
 *
 * @param isOutermost whether it is a transaction's body, not a savepoint's
 */
function wrapBody(body: Body, loss: LossWatch, scope: Scope, isOutermost: boolean): Body {
  return async (client) => {
    const run = async () => {
      try {
        return await body(wrapClient(client, loss, scope));
      } finally {
        scope.isOver ||= isOutermost;
      }
    };
    try {
      const result = await run();
      // If the statement in flight fails, the transaction is aborted, and PostgreSQL answers `commit` with ROLLBACK but no error.
      if (isOutermost && loss.busy && !loss.error) throw new TransactionEndedError();
      return loss.error ? new Promise(() => {}) : result;
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
    // A call with a template sends a query; a call such as sql("name") only builds a fragment.
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

/** Records each reply before the query settles, so that the loss is known before the caller continues. */
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

/**
 * Returns a query that rejects, whichever method is chained. The rejection counts as handled even if nobody awaits the query.
 */
function createRejectedQuery(reason: Error): unknown {
  const query = Promise.reject<never>(reason);
  query.catch(() => {});
  const getQuery = () => query;
  return Object.assign(query, {
    values: getQuery,
    raw: getQuery,
    simple: getQuery,
    execute: getQuery,
    describe: getQuery,
  });
}
