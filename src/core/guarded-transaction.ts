import { resolvePrimary } from "./builder.js";
import { type Body, guardBody, type LossWatch, type PostgresJsClient } from "./postgres-js-guard.js";
import type { Queryable } from "./queryable.js";

/** What Drizzle's databases of 0.45 and 1.0 keep for themselves: what sends the statements, over the driver's client. */
interface Session {
  readonly client?: unknown;
  transaction<T>(run: (tx: Queryable) => Promise<T>, config?: object): Promise<T>;
}

/**
 * Runs a transaction on the application's own driver such that the process survives the loss of its connection: the call
 * rejects. postgres.js 3.4.9 sends a rollback to the connection that is gone, which ends the process; node-postgres emits an
 * error on the client, to which Drizzle 0.45 does not listen. Neither can be caught by whoever called.
 *
 * On a transaction of the application's it is a savepoint, as safe as the transaction itself.
 *
 * @throws what `run` throws, or what the driver said when the connection was lost
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

/** The drivers are known by their shape: not everybody has installed them, and the application has its own copies. */
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
  // The driver rejects it as the connection closes, whatever the body is doing.
  transaction.catch((error: unknown) => loss.recordLoss(error));
  return Promise.race([transaction, loss.rejection]);
}

/** Whether the connection of one transaction was lost. Then its body never settles, so whoever waits is told by this. */
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

/** PostgreSQL closes the connection after an error of these severities; any other error that it names leaves it open. */
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
  // By a callback: with a promise, the error may come before anybody listens.
  const connect = () =>
    new Promise<PoolClient>((resolve, reject) => {
      pool.connect((error, client) => {
        if (client) resolve(addErrorListener((checkedOutClient = client)));
        else reject(error ?? new Error("the pool gave no client"));
      });
    });
  // Drizzle 0.45 reports that its rollback failed instead.
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
    // Drizzle 0.45 keeps a client whose `begin` failed, until the pool has none left.
    if (checkedOutClient && !hasBegun) releaseBroken(checkedOutClient);
    throw failure ? failure.error : error;
  }
}

/** Once and for good: the error may come after the client was given back, when the pool has taken its own listener off. */
function addErrorListener(client: PoolClient): PoolClient {
  return client.listeners("error").includes(ignoreError) ? client : client.on("error", ignoreError);
}

/** Drizzle 1.0 has done so. */
function releaseBroken(client: PoolClient): void {
  try {
    client.release(true);
  } catch {
    // The pool refuses a client that it has already.
  }
}

/** Each statement that was on its way rejects as well. */
function ignoreError(): void {}

/** The driver's client with one of its methods in another form. */
function replaceMethod<Client extends object>(client: Client, method: string, replacement: unknown): Client {
  return new Proxy(client, {
    get: (target, key) => (key === method ? replacement : (Reflect.get(target, key) as unknown)),
  });
}

/** The application's Drizzle, with its schema and its logger, over that client. */
function withClient(session: Session, client: unknown): Session {
  return Object.create(session, { client: { value: client } }) as Session;
}
