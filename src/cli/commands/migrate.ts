import { Command } from "commander";
import { connect, describeUrl } from "../../database/connect.js";
import { migrate } from "../../database/migrate.js";
import { findRoute } from "../../database/route.js";
import { checkConfig } from "../../worker/settings.js";
import { loadConfig } from "../load-config.js";

/** `soniq-drizzle migrate` */
export function migrateCommand(): Command {
  return new Command("migrate")
    .description("create or update the job tables, for those who do not have drizzle-kit do it")
    .option("--config <file>", "the configuration (default: soniq.config.ts or .js in this folder)")
    .action(async ({ config }: { config?: string }) => {
      const { connection } = checkConfig((await loadConfig(config)).config);
      const database = connect(connection, 1, { route: await findRoute(connection), use: "transactions" });
      try {
        const applied = await migrate(database.db);
        const news = applied.length > 0 ? `applied ${applied.join(", ")}` : "the job tables are up to date";
        console.log(`${describeUrl(connection)}: ${news}`);
      } finally {
        await database.close();
      }
    });
}
