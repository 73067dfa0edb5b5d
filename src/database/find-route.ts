import { sql } from "drizzle-orm";
import { builder } from "../core/builder.js";
import { ConfigError, findErrorCode } from "../core/errors.js";
import type { Route } from "./client.js";
import { connect } from "./connect.js";

/**
 * Detects whether a pooler sits between us and PostgreSQL: it checks whether session parameters took effect. PgBouncer refuses them, or
 * ignores them if `ignore_startup_parameters` lists them; other poolers ignore them.
 *
 * @throws the driver's error if PostgreSQL cannot be reached
 */
export async function findRoute(url: string): Promise<Route> {
  const { db, close } = connect(url, 1);
  try {
    const [found] = await builder(db)
      .select({ isAccepted: sql<boolean>`source = 'client'` })
      .from(sql`pg_settings`)
      .where(sql`name = 'lock_timeout'`);
    return found?.isAccepted ? "direct" : "pooled";
  } catch (error) {
    if (findErrorCode(error) === "08P01") return "pooled";
    throw toParameterError(error) ?? error;
  } finally {
    await close();
  }
}

/**
 * Explains PostgreSQL's error for an unknown parameter. The driver sends unknown parameters of the connection string as session
 * parameters.
 */
function toParameterError(error: unknown): ConfigError | undefined {
  const { message = "" } = (error as { readonly cause?: Partial<Error> }).cause ?? (error as Partial<Error>);
  const [, name] = /^unrecognized configuration parameter "([^"]+)"/.exec(message) ?? [];
  if (findErrorCode(error) !== "42704" || name === undefined) return undefined;
  return new ConfigError(
    `connection: PostgreSQL does not know the parameter ${name} of the connection string: remove it`,
    { cause: error },
  );
}
