import type { Queryable } from "../core/queryable.js";
import type { Route } from "../database/client.js";
import { connect, describeUrl } from "../database/connect.js";
import type { PgliteConnection } from "../database/pglite-connection.js";
import { findRoute } from "../database/find-route.js";

/** A database that a command has opened. */
export interface OpenDatabase {
  readonly db: Queryable;
  /** Undefined for PGlite, which runs in this process. */
  readonly route: Route | undefined;
  close(): Promise<void>;
}

/**
 * Opens the configured database.
 *
 * @param use what the connections are for. Default: single statements
 * @param maxConnections default 1
 */
export async function openDatabase(
  connection: string | PgliteConnection,
  use: "statements" | "transactions" = "statements",
  maxConnections = 1,
): Promise<OpenDatabase> {
  // The application owns the PGlite handle, so `close` leaves it open.
  if (typeof connection !== "string") return { db: connection.db, route: undefined, close: async () => {} };
  const route = await findRoute(connection);
  return { route, ...connect(connection, maxConnections, { route, use }) };
}

/** Names the database for people, without the password. */
export function describeDatabase(connection: string | PgliteConnection): string {
  return typeof connection === "string" ? describeUrl(connection) : `PGlite in ${connection.place}`;
}
