import { SoniqError } from "../core/errors.js";
import { findLowLimit } from "../database/connection-room.js";
import { connectionBudget, totalOf } from "./connection-budget.js";
import type { Connections } from "./connections.js";
import type { Tell } from "./events.js";
import type { Settings } from "./settings.js";

/**
 * Says at start where a limit of PostgreSQL's is lower than what the worker may open: it keeps the transactions of handlers
 * from connecting, and nothing else.
 */
export async function checkRoom(settings: Settings, { engine, route }: Connections, tell: Tell): Promise<void> {
  if (typeof settings.connection !== "string" || route === "pooled") return;
  const warning = await findLowLimit(engine.db, totalOf(connectionBudget(settings)));
  if (warning !== undefined)
    tell({ type: "trouble", doing: "making sure of its connections", error: new SoniqError(warning) });
}
