import { Command } from "commander";
import type { Queryable } from "../core/queryable.js";
import { checkTables } from "../database/check-tables.js";
import type { WorkerConfig } from "../worker/settings/config.js";
import { parseConfig, type Settings } from "../worker/settings/settings.js";
import { loadConfig } from "./load-config.js";
import { openDatabase } from "./open-database.js";

/** The options of every command that reads or changes the configured database. */
export interface DatabaseOptions {
  readonly config?: string;
  /** Print JSON, for programs. */
  readonly json?: true;
}

/** The option that every command takes. */
export const configOption = [
  "--config <file>",
  "the configuration file (default: soniq.config.ts or .js in this folder)",
] as const;

/** Creates a command with {@link DatabaseOptions}. */
export function createDatabaseCommand(nameAndArguments: string, description: string): Command {
  return new Command(nameAndArguments)
    .description(description)
    .option(...configOption)
    .option("--json", "print JSON, for programs");
}

/**
 * Opens the configured database, calls `use`, and closes the database when `use` has settled.
 *
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function withDatabase<T>(
  { config: path }: DatabaseOptions,
  use: (db: Queryable, settings: Settings, config: WorkerConfig) => Promise<T>,
): Promise<T> {
  const { config } = await loadConfig(path);
  const settings = parseConfig(config);
  const { db, close } = await openDatabase(settings.connection, "transactions");
  try {
    await checkTables(db);
    return await use(db, settings, config);
  } finally {
    await close();
  }
}
