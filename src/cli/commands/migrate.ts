import { print } from "../../core/terminal.js";
import { Command } from "commander";
import { migrate } from "../../database/migrate.js";
import { parseConfig } from "../../worker/settings/settings.js";
import { configOption } from "../database-command.js";
import { loadConfig } from "../load-config.js";
import { describeDatabase, openDatabase } from "../open-database.js";
import { commandDescriptions } from "../command-descriptions.js";

/** `soniq-drizzle migrate` */
export function createMigrateCommand(): Command {
  return new Command("migrate")
    .description(commandDescriptions.migrate)
    .option(...configOption)
    .action(async ({ config }: { config?: string }) => {
      const { connection } = parseConfig((await loadConfig(config)).config);
      const database = await openDatabase(connection, "transactions");
      try {
        const applied = await migrate(database.db);
        const summary = applied.length > 0 ? `applied ${applied.join(", ")}` : "the job tables are up to date";
        print(`${describeDatabase(connection)}: ${summary}`);
      } finally {
        await database.close();
      }
    });
}
