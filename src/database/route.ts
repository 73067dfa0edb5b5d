import { sql } from "drizzle-orm";
import { builder } from "../core/builder.js";
import { ConfigError, findErrorCode } from "../core/errors.js";
import type { Route } from "./client.js";
import { connect } from "./connect.js";

/**
 * Finds out whether a pooler stands between us and PostgreSQL, by whether a session's parameters are taken: PgBouncer refuses
 * them, or ignores them where it is told to (`ignore_startup_parameters`), as other poolers do.
 *
 * @throws the driver's error if PostgreSQL cannot be reached
 */
export async function findRoute(url: string): Promise<Route> {
  const { db, close } = connect(url, 1);
  try {
    const [found] = await builder(db)
      .select({ taken: sql<boolean>`source = 'client'` })
      .from(sql`pg_settings`)
      .where(sql`name = 'lock_timeout'`);
    return found?.taken ? "direct" : "pooled";
  } catch (error) {
    if (findErrorCode(error) === "08P01") return "pooled";
    throw unknownParameter(error) ?? error;
  } finally {
    await close();
  }
}

/** What the driver does not know of a connection string, it sends to PostgreSQL as a parameter of the session. */
function unknownParameter(error: unknown): ConfigError | undefined {
  const { message = "" } = (error as { readonly cause?: Partial<Error> }).cause ?? (error as Partial<Error>);
  const [, name] = /^unrecognized configuration parameter "([^"]+)"/.exec(message) ?? [];
  if (findErrorCode(error) !== "42704" || name === undefined) return undefined;
  return new ConfigError(
    `connection: PostgreSQL does not know the parameter ${name} of the connection string: remove it`,
    { cause: error },
  );
}
