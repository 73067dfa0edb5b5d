import { errorCode, errorText, MigrationError } from "./errors.js";

const undefinedTable = "42P01";
const undefinedColumn = "42703";

/**
 * Rethrows an error; one that a missing or older job table caused, as the sentence that says what to do.
 *
 * @throws MigrationError or the error itself
 */
export function explainMissingTables(error: unknown): never {
  const code = errorCode(error);
  const text = errorText(error);
  if ((code === undefinedTable || code === undefinedColumn) && text.includes("soniq_")) {
    throw new MigrationError(`${text}: ${howToMigrate}`, { cause: error });
  }
  throw error;
}

export const howToMigrate =
  "migrate the database before you deploy, with `npx drizzle-kit generate` and `npx drizzle-kit migrate` if your schema exports soniq-drizzle/schema, else with `npx soniq-drizzle migrate`";
