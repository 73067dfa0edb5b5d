import { findErrorCode, SoniqError } from "../../core/errors.js";
import type { Queryable } from "../../core/queryable.js";
import { boundTransaction, cancelStatement } from "../../database/backend.js";
import type { Route } from "../../database/client.js";
import { type Connection, connect } from "../../database/connect.js";
import { findLowLimit } from "../../database/connection-room.js";
import { type Listener, openListener } from "../../database/listener.js";
import type { PgliteConnection } from "../../database/pglite-connection.js";
import { findRoute } from "../../database/route.js";
import { TransactionSlots } from "../../database/transaction-slots.js";
import { endEarlierSessions, expireSessions } from "../../sessions/expire.js";
import { findTimeline, type Timeline } from "../../sessions/timeline.js";
import { connectionBudget, totalOf } from "../settings/connection-budget.js";
import { pause } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Settings } from "../settings/settings.js";
import { beatsPerLease } from "../settings/defaults.js";

/** What a worker's statements go over, and what differs with it. */
export interface Connections {
  readonly route: Route;
  /** Claims, settles and duties. */
  readonly engine: Connection;
  /** Beats, and what must wait for none of the engine's statements. */
  readonly beats: Connection;
  /** What handlers do in `job.transaction`. */
  readonly transactions: TransactionSlots;
  /** Whether a statement is answered in time or fails. On PGlite it waits for the transaction that is open, however long. */
  readonly timed: boolean;
  /** Opens what hears wake-ups and cancellations, once. @returns undefined where nobody can listen: behind a pooler */
  readonly openListener: (...input: Parameters<PgliteConnection["openListener"]>) => Listener | undefined;
  /**
   * Bounds a handler's transaction that was just begun.
   *
   * @param statementMs how long each of its statements may take
   * @returns how long the server lets it take, if it says so; and what cancels what it is doing
   */
  readonly bound: (tx: Queryable, statementMs: number) => Promise<BoundTransaction>;
  /** Asks on which timeline PostgreSQL is; undefined where that is not to be known, or cannot change. */
  readonly timeline: Timeline | undefined;
  /** Ends the sessions of workers that are dead. */
  readonly endDeadSessions: () => Promise<unknown>;
  close(): Promise<void>;
}

interface BoundTransaction {
  readonly timeoutMs: number;
  readonly cancel: () => void;
}

const minPatienceMs = 5_000;
const tooManyConnections = "53300";
const waitForRoomMs = 1_000;

/** Opens them. @throws the driver's error if PostgreSQL cannot be reached */
export async function openConnections(
  settings: Settings,
  stop: AbortSignal,
  emit: WorkerEventListener,
): Promise<Connections> {
  const { connection } = settings;
  return typeof connection === "string" ? connectAll(connection, settings, stop, emit) : shareSession(connection);
}

/** Connections of the worker's own, as the budget has them. */
async function connectAll(
  url: string,
  settings: Settings,
  stop: AbortSignal,
  emit: WorkerEventListener,
): Promise<Connections> {
  const { database, leaseMs } = settings;
  const budget = connectionBudget(settings);
  const route = await onceThereIsRoom(() => findRoute(url), stop, emit);
  // When one client finds that the server is gone, the others need not find out by themselves.
  const onServerGone = () => [engine, beats].forEach((connection) => connection.renew());
  const engine = connect(url, budget.engine, { route, onServerGone });
  // A beat that is not answered before the next one is due will not be.
  const patienceMs = Math.max(minPatienceMs, leaseMs / beatsPerLease);
  const beats = connect(url, budget.beats, { route, patienceMs, onServerGone });
  const timeline = await onceThereIsRoom(() => findTimeline(engine.db), stop, emit).catch(async (error: unknown) => {
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
    timed: true,
    openListener(hear, onListening) {
      if (route === "pooled") return undefined;
      let listens = 0;
      const begin = () => {
        listens += 1;
        // It was cut off, and is connected again: what was sent to PostgreSQL before that may never be answered.
        if (listens > 1) onServerGone();
        onListening();
      };
      listener = openListener(url, hear, begin, onServerGone);
      return listener;
    },
    async bound(tx, statementMs) {
      const backend = await boundTransaction(tx, leaseMs, statementMs);
      return {
        timeoutMs: backend.timeoutMs || Infinity,
        cancel: () => void cancelStatement(engine.db, backend).catch(() => {}),
      };
    },
    timeline,
    endDeadSessions: () => expireSessions(engine.db, timeline),
    close,
  };
}

/** PGlite's one session, for everything, and the application's as well. */
function shareSession({ db, openSlot, openListener: listen }: PgliteConnection): Connections {
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
    timed: false,
    openListener(...input) {
      listener = listen(...input);
      return listener;
    },
    // Nobody else could cancel, and PGlite does not survive that a time of PostgreSQL's is up.
    bound: async () => ({ timeoutMs: Infinity, cancel: () => {} }),
    timeline: undefined,
    endDeadSessions: () => endEarlierSessions(db),
    close,
  };
}

/**
 * Does at start what needs a connection, once PostgreSQL has one: that it is full for now is no reason to give up.
 *
 * @param stop ends the wait, with the error
 */
export async function onceThereIsRoom<T>(
  connected: () => Promise<T>,
  stop: AbortSignal,
  emit: WorkerEventListener,
): Promise<T> {
  for (;;) {
    try {
      return await connected();
    } catch (error) {
      if (findErrorCode(error) !== tooManyConnections || stop.aborted) throw error;
      emit({ type: "error", operation: "connecting", error });
      await pause(waitForRoomMs * (0.5 + Math.random() / 2), stop);
    }
  }
}

/**
 * Says at start where a limit of PostgreSQL's is lower than what the worker may open: it keeps the transactions of handlers
 * from connecting, and nothing else.
 */
export async function checkRoom(
  settings: Settings,
  { engine, route }: Connections,
  emit: WorkerEventListener,
): Promise<void> {
  if (typeof settings.connection !== "string" || route === "pooled") return;
  const warning = await findLowLimit(engine.db, totalOf(connectionBudget(settings)));
  if (warning !== undefined)
    emit({ type: "error", operation: "making sure of its connections", error: new SoniqError(warning) });
}
