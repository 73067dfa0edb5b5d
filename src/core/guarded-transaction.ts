import { resolvePrimary } from "./builder.js";
import { type Body, guardBody, type LossWatch, type PostgresJsClient } from "./postgres-js-guard.js";
import type { Queryable } from "./queryable.js";

/** An internal object of Drizzle's databases, in 0.45 and 1.0: it sends the statements through the driver's client. */
interface Session {
  readonly client?: unknown;
  transaction<T>(run: (tx: Queryable) => Promise<T>, config?: object): Promise<T>;
}

/**
 * Runs a transaction on the application's own driver. If the connection is lost, the call rejects and the process survives.
 * Without the guard, postgres.js 3.4.9 sends a rollback to the lost connection, which ends the process, and node-postgres emits an
 * error on the client, to which Drizzle 0.45 does not listen. The caller can catch neither.
 *
 * If `db` is already a transaction, this opens a savepoint, which is as safe as that transaction.
 *
 * @throws the error that `run` throws, or the driver's error when the connection was lost
 */
export async function runGuardedTransaction<T>(
  db: Queryable,
  run: (tx: Queryable) => Promise<T>,
  config?: object,
): Promise<T> {
  const primary = resolvePrimary(db);
  if ("rollback" in primary) return primary.transaction(run, config);
  const { session } = primary as { session?: Session };
  const client = session?.client;
  if (session && isPostgresJs(client)) return runOnPostgresJs(session, client, run, config);
  if (session && isPool(client)) return runOnPool(session, client, run, config);
  return primary.transaction(run, config);
}

/**
 * Drivers are recognized by their shape: they may not be installed, and the application has its own copies of their classes.
 */
type PostgresJs = PostgresJsClient & { begin(body: Body): Promise<unknown> };

interface Pool {
  connect(callback: (error?: Error, client?: PoolClient) => void): void;
}

interface PoolClient {
  on(event: "error", listener: () => void): PoolClient;
  release(broken: true): void;
  listeners(event: "error"): unknown[];
}

function isPostgresJs(client: unknown): client is PostgresJs {
  const { begin, options = {} } = (client ?? {}) as { begin?: unknown; options?: object };
  return typeof begin === "function" && "shared" in options;
}

function isPool(client: unknown): client is Pool {
  return typeof (client as Partial<Pool> | undefined)?.connect === "function" && "totalCount" in (client as Pool);
}

async function runOnPostgresJs<T>(
  session: Session,
  client: PostgresJs,
  run: (tx: Queryable) => Promise<T>,
  config?: object,
): Promise<T> {
  const loss = new Loss();
  const begin = (body: Body) => client.begin(guardBody(body, loss));
  const transaction = withClient(session, replaceMethod(client, "begin", begin)).transaction(run, config);
  // The driver rejects this as soon as the connection closes, whatever the body is doing.
  transaction.catch((error: unknown) => loss.recordLoss(error));
  return Promise.race([transaction, loss.rejection]);
}

/**
 * Detects that a transaction's connection was lost. The body never settles then, so the caller waits for `rejection` as well.
 */
class Loss implements LossWatch {
  error: Error | undefined;
  busy = false;
  readonly rejection: Promise<never>;
  #reject: (error: Error) => void = () => {};
  #inFlight = 0;

  constructor() {
    this.rejection = new Promise<never>((_, reject) => (this.#reject = reject));
    this.rejection.catch(() => {});
  }

  recordSend(): void {
    this.#inFlight += 1;
    this.busy = true;
  }

  recordReply(error?: unknown): void {
    this.#inFlight -= 1;
    this.busy = this.#inFlight > 0;
    if (error !== undefined && endsConnection(error)) this.recordLoss(error);
  }

  recordLoss(error: unknown): void {
    this.error ??= error instanceof Error ? error : new Error(String(error));
    this.#reject(this.error);
  }
}

/** PostgreSQL closes the connection after an error of severity FATAL or PANIC, and keeps it open after any other. */
function endsConnection(error: unknown): boolean {
  const { severity, code } = error as { severity?: unknown; code?: unknown };
  if (typeof severity === "string") return severity === "FATAL" || severity === "PANIC";
  return /^(CONNECTION_|CONNECT_TIMEOUT|E(?!RR_))/.test(String(code));
}

async function runOnPool<T>(
  session: Session,
  pool: Pool,
  run: (tx: Queryable) => Promise<T>,
  config?: object,
): Promise<T> {
  let failure: { readonly error: unknown } | undefined;
  let hasBegun = false;
  let checkedOutClient: PoolClient | undefined;
  // The callback form: with the promise form, the client could emit an error before our listener is attached.
  const connect = () =>
    new Promise<PoolClient>((resolve, reject) => {
      pool.connect((error, client) => {
        if (client) resolve(addErrorListener((checkedOutClient = client)));
        else reject(error ?? new Error("the pool returned no client"));
      });
    });
  // If the rollback fails as well, Drizzle 0.45 throws that error instead of the error of `run`.
  const runAndKeepFailure = (tx: Queryable) => {
    hasBegun = true;
    return run(tx).catch((error: unknown) => {
      failure = { error };
      throw error;
    });
  };
  try {
    return await withClient(session, replaceMethod(pool, "connect", connect)).transaction(runAndKeepFailure, config);
  } catch (error) {
    // Drizzle 0.45 never releases a client whose `begin` failed, so the pool would run out of clients.
    if (checkedOutClient && !hasBegun) releaseBroken(checkedOutClient);
    throw failure ? failure.error : error;
  }
}

/**
 * Adds the listener once and never removes it: the client may emit the error after its release, when the pool has removed its
 * own listener.
 */
function addErrorListener(client: PoolClient): PoolClient {
  return client.listeners("error").includes(ignoreError) ? client : client.on("error", ignoreError);
}

/** Releases a client that is not reusable. Drizzle 1.0 has already released it. */
function releaseBroken(client: PoolClient): void {
  try {
    client.release(true);
  } catch {
    // The pool throws if a client is released twice.
  }
}

/** The error needs no handling: every statement in flight rejects as well. */
function ignoreError(): void {}

/** Wraps the driver's client and replaces one of its methods. */
function replaceMethod<Client extends object>(client: Client, method: string, replacement: unknown): Client {
  return new Proxy(client, {
    get: (target, key) => (key === method ? replacement : (Reflect.get(target, key) as unknown)),
  });
}

/** Returns the application's Drizzle session, with its schema and logger, on another client. */
function withClient(session: Session, client: unknown): Session {
  return Object.create(session, { client: { value: client } }) as Session;
}
