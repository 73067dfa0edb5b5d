import type { Queryable } from "../core/queryable.js";
import type { Route } from "../database/client.js";
import { connect, describeUrl } from "../database/connect.js";
import type { PgliteConnection } from "../database/pglite-connection.js";
import { findRoute } from "../database/route.js";

/** A database that a command looks at for a moment. */
export interface OpenDatabase {
  readonly db: Queryable;
  /** Undefined for PGlite, which is in this process. */
  readonly route: Route | undefined;
  close(): Promise<void>;
}

/**
 * Opens what a configuration says.
 *
 * @param use what for: by default, single statements
 * @param connections how many at the most
 */
export async function openDatabase(
  connection: string | PgliteConnection,
  use: "statements" | "transactions" = "statements",
  connections = 1,
): Promise<OpenDatabase> {
  // The application's own stays open.
  if (typeof connection !== "string") return { db: connection.db, route: undefined, close: async () => {} };
  const route = await findRoute(connection);
  return { route, ...connect(connection, connections, { route, use }) };
}

/** Which it is, for people to read: the password is hidden. */
export function describeDatabase(connection: string | PgliteConnection): string {
  return typeof connection === "string" ? describeUrl(connection) : `PGlite in ${connection.place}`;
}
