import { findErrorCode, SoniqError } from "../../core/errors.js";
import type { Queryable } from "../../core/queryable.js";
import { boundTransaction, cancelStatement } from "../../database/backend.js";
import type { Route } from "../../database/client.js";
import { type Connection, connect } from "../../database/connect.js";
import { findLowLimit } from "../../database/connection-limits.js";
import { type Listener, openListener } from "../../database/listener.js";
import type { PgliteConnection } from "../../database/pglite-connection.js";
import { findRoute } from "../../database/find-route.js";
import { TransactionSlots } from "../../database/transaction-slots.js";
import { endEarlierSessions, expireSessions } from "../../sessions/end-sessions.js";
import { findTimeline, type Timeline } from "../../sessions/timeline.js";
import { computeConnectionBudget, type ConnectionBudget, countConnections } from "../settings/connection-budget.js";
import { pause } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Settings } from "../settings/settings.js";
import { beatsPerLease } from "../settings/defaults.js";

/** The connections that a worker sends its statements over, and the operations that depend on their kind. */
export interface Connections {
  readonly route: Route;
  /** For claims, settles and periodic tasks. */
  readonly engine: Connection;
  /** For heartbeats, and for statements that must not wait for the engine's statements. */
  readonly beats: Connection;
  /** For `job.transaction` of handlers. */
  readonly transactions: TransactionSlots;
  /** Whether a statement without a timely answer fails. On PGlite it waits for the open transaction without a limit. */
  readonly hasTimeouts: boolean;
  /** Opens the listener for wake-ups and cancellations, once. @returns undefined behind a pooler, where LISTEN does not work */
  readonly openListener: (...input: Parameters<PgliteConnection["openListener"]>) => Listener | undefined;
  /**
   * Limits the duration of a handler's transaction that was just opened.
   *
   * @param statementMs how long each of its statements may take
   * @returns the server's limit for the transaction, Infinity if it has none, and a function that cancels its current statement
   */
  readonly limitTransaction: (tx: Queryable, statementMs: number) => Promise<TransactionLimit>;
  /** Reads PostgreSQL's current timeline. Undefined if it cannot be read or cannot change. */
  readonly timeline: Timeline | undefined;
  /** Ends the sessions of dead workers. */
  readonly endDeadSessions: () => Promise<unknown>;
  close(): Promise<void>;
}

interface TransactionLimit {
  readonly timeoutMs: number;
  readonly cancel: () => void;
}

const minHeartbeatTimeoutMs = 5_000;
const tooManyConnections = "53300";
const connectRetryMs = 1_000;

/** Opens a worker's connections. @throws the driver's error if PostgreSQL cannot be reached */
export async function openConnections(
  settings: Settings,
  stop: AbortSignal,
  emit: WorkerEventListener,
): Promise<Connections> {
  const { connection } = settings;
  return typeof connection === "string" ? connectToPostgres(connection, settings, stop, emit) : sharePglite(connection);
}

/** Opens the worker's connections to PostgreSQL, as the budget divides them. */
async function connectToPostgres(
  url: string,
  settings: Settings,
  stop: AbortSignal,
  emit: WorkerEventListener,
): Promise<Connections> {
  const { database, leaseMs } = settings;
  const budget = computeConnectionBudget(settings);
  const route = await retryWhileFull(() => findRoute(url), stop, emit);
  const { engine, beats, onServerGone } = openClients(url, budget, route, leaseMs);
  const timeline = await retryWhileFull(() => findTimeline(engine.db), stop, emit).catch(async (error: unknown) => {
    await Promise.all([engine.close(), beats.close()]);
    throw error;
  });
  const transactions = new TransactionSlots(() => database.openSlot(url, leaseMs), budget.transactions);
  let listener: Listener | undefined;
  const close = async () => {
    transactions.close();
    await Promise.all([listener?.close(), engine.close(), beats.close()]);
  };
  return {
    route,
    engine,
    beats,
    transactions,
    hasTimeouts: true,
    openListener(...input) {
      if (route === "direct") listener = openRenewingListener(url, input, onServerGone);
      return listener;
    },
    limitTransaction: (tx, statementMs) => limitTransaction(engine.db, tx, leaseMs, statementMs),
    timeline,
    endDeadSessions: () => expireSessions(engine.db, timeline),
    close,
  };
}

function openClients(url: string, budget: ConnectionBudget, route: Route, leaseMs: number) {
  // When one client loses the server, all clients reconnect at once instead of waiting for their own timeouts.
  const onServerGone = () => [engine, beats].forEach((connection) => connection.renew());
  const engine = connect(url, budget.engine, { route, onServerGone });
  // A heartbeat without an answer when the next one is due counts as lost.
  const replyTimeoutMs = Math.max(minHeartbeatTimeoutMs, leaseMs / beatsPerLease);
  const beats = connect(url, budget.beats, { route, replyTimeoutMs, onServerGone });
  return { engine, beats, onServerGone };
}

/** Opens a listener that also reports a lost server when it reconnects: statements sent before the break may never be answered. */
function openRenewingListener(
  url: string,
  [onNotification, onListening]: Parameters<PgliteConnection["openListener"]>,
  onServerGone: () => void,
): Listener {
  let listenCount = 0;
  const handleListening = () => {
    listenCount += 1;
    if (listenCount > 1) onServerGone();
    onListening();
  };
  return openListener(url, onNotification, handleListening, onServerGone);
}

async function limitTransaction(
  db: Queryable,
  tx: Queryable,
  leaseMs: number,
  statementMs: number,
): Promise<TransactionLimit> {
  const backend = await boundTransaction(tx, leaseMs, statementMs);
  return {
    timeoutMs: backend.timeoutMs || Infinity,
    cancel: () => void cancelStatement(db, backend).catch(() => {}),
  };
}

/** Uses PGlite's single session for everything. The application uses it as well. */
function sharePglite({ db, openSlot, openListener: openPgliteListener }: PgliteConnection): Connections {
  const shared = { db, renew: () => {}, close: async () => {} };
  const transactions = new TransactionSlots(openSlot, 1);
  let listener: Listener | undefined;
  const close = async () => {
    transactions.close();
    await listener?.close();
  };
  return {
    route: "direct",
    engine: shared,
    beats: shared,
    transactions,
    hasTimeouts: false,
    openListener(...input) {
      listener = openPgliteListener(...input);
      return listener;
    },
    // PGlite has no second session that could cancel, and it does not survive an expired PostgreSQL timeout.
    limitTransaction: async () => ({ timeoutMs: Infinity, cancel: () => {} }),
    timeline: undefined,
    endDeadSessions: () => endEarlierSessions(db),
    close,
  };
}

/**
 * Runs an operation that opens a connection at startup, and retries it while PostgreSQL has no free connection: that may pass.
 *
 * @param stop ends the retries: the next error is thrown
 */
export async function retryWhileFull<T>(
  open: () => Promise<T>,
  stop: AbortSignal,
  emit: WorkerEventListener,
): Promise<T> {
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (findErrorCode(error) !== tooManyConnections || stop.aborted) throw error;
      emit({ type: "error", operation: "connecting", error });
      await pause(connectRetryMs * (0.5 + Math.random() / 2), stop);
    }
  }
}

/**
 * Emits an error event at startup if PostgreSQL allows fewer connections than the worker may open. The worker still starts, because
 * the limit only keeps transactions of handlers from connecting.
 */
export async function checkConnectionLimit(
  settings: Settings,
  { engine, route }: Connections,
  emit: WorkerEventListener,
): Promise<void> {
  if (typeof settings.connection !== "string" || route === "pooled") return;
  const warning = await findLowLimit(engine.db, countConnections(computeConnectionBudget(settings)));
  if (warning !== undefined)
    emit({ type: "error", operation: "checking its connection limit", error: new SoniqError(warning) });
}
