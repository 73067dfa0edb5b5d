import { errorCode } from "../core/errors.js";
import type { Route } from "../database/client.js";
import { type Connection, connect } from "../database/connect.js";
import { findRoute } from "../database/route.js";
import { connectionBudget } from "./connection-budget.js";
import { pause } from "./duties.js";
import type { Tell } from "./events.js";
import type { Settings } from "./settings.js";
import { beatsPerLease } from "./worker-session.js";

/** What a worker's statements go over. The listener is another connection, and says nothing. */
export interface Connections {
  readonly route: Route;
  /** Claims, settles and duties. */
  readonly engine: Connection;
  /** Beats, and what must wait for none of the engine's statements. */
  readonly beats: Connection;
  close(): Promise<void>;
}

const shortestPatienceMs = 5_000;
const tooManyConnections = "53300";
const waitForRoomMs = 1_000;

/** Opens them, as the budget has them. @throws the driver's error if PostgreSQL cannot be reached */
export async function openConnections(settings: Settings, stop: AbortSignal, tell: Tell): Promise<Connections> {
  const { connection, leaseMs } = settings;
  const budget = connectionBudget(settings);
  const route = await onceThereIsRoom(() => findRoute(connection), stop, tell);
  const engine = connect(connection, budget.engine, { route });
  // A beat that is not answered before the next one is due will not be.
  const patienceMs = Math.max(shortestPatienceMs, leaseMs / beatsPerLease);
  const beats = connect(connection, budget.beats, { route, patienceMs });
  return { route, engine, beats, close: async () => void (await Promise.all([engine.close(), beats.close()])) };
}

/**
 * Does at start what needs a connection, once PostgreSQL has one: that it is full for now is no reason to give up.
 *
 * @param stop ends the wait, with the error
 */
export async function onceThereIsRoom<T>(connected: () => Promise<T>, stop: AbortSignal, tell: Tell): Promise<T> {
  for (;;) {
    try {
      return await connected();
    } catch (error) {
      if (errorCode(error) !== tooManyConnections || stop.aborted) throw error;
      tell({ type: "trouble", doing: "connecting", error });
      await pause(waitForRoomMs * (0.5 + Math.random() / 2), stop);
    }
  }
}
