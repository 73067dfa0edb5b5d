import { describeError, findErrorCode, MigrationError, unwrapQueryError } from "./errors.js";

const undefinedTable = "42P01";
const undefinedColumn = "42703";

/**
 * Rethrows a database error without the statement and its parameters, which may be secret. If a missing or outdated job table caused
 * it, the new error explains how to migrate.
 *
 * @throws MigrationError if a table or column of this package is missing; otherwise an error with the driver's message and `code`,
 *   whose `cause` is the driver's error
 */
export function explainMissingTables(error: unknown): never {
  const code = findErrorCode(error);
  const text = describeError(error);
  if ((code === undefinedTable || code === undefinedColumn) && text.includes("soniq_")) {
    throw new MigrationError(`${text}: ${migrationHint}`, { cause: unwrapQueryError(error) });
  }
  // Drizzle's message contains all parameter values, and puts them before PostgreSQL's message.
  const cause = unwrapQueryError(error);
  if (cause === error) throw error;
  throw Object.assign(new Error(text, { cause }), code !== undefined && { code });
}

export const migrationHint =
  "migrate the database before you deploy, with `npx drizzle-kit generate` and `npx drizzle-kit migrate` if your schema exports soniq-drizzle/schema, else with `npx soniq-drizzle migrate`";
