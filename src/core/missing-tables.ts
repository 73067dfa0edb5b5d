import { errorCode, errorText, MigrationError, withoutQuery } from "./errors.js";

const undefinedTable = "42P01";
const undefinedColumn = "42703";

/**
 * Rethrows what the driver said, without the statement and its parameters; an error that a missing or older job table caused,
 * as the sentence that says what to do.
 *
 * @throws MigrationError or the driver's error
 */
export function explainMissingTables(error: unknown): never {
  const code = errorCode(error);
  const text = errorText(error);
  if ((code === undefinedTable || code === undefinedColumn) && text.includes("soniq_")) {
    throw new MigrationError(`${text}: ${howToMigrate}`, { cause: withoutQuery(error) });
  }
  // Drizzle's message has the values of all parameters, and comes before what PostgreSQL said.
  const said = withoutQuery(error);
  throw said instanceof Error ? said : error;
}

export const howToMigrate =
  "migrate the database before you deploy, with `npx drizzle-kit generate` and `npx drizzle-kit migrate` if your schema exports soniq-drizzle/schema, else with `npx soniq-drizzle migrate`";
