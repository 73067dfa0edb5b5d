import { Command } from "commander";
import { version } from "../core/version.js";
import { migrateCommand } from "./commands/migrate.js";
import { workCommand } from "./commands/work.js";
import { explain } from "./explain.js";

const program = new Command("soniq-drizzle")
  .description("The job queue for Drizzle and PostgreSQL.")
  .version(version)
  .showHelpAfterError()
  .addCommand(workCommand())
  .addCommand(migrateCommand());

try {
  await program.parseAsync();
} catch (error) {
  console.error(`soniq-drizzle: ${explain(error)}`);
  process.exit(1);
}
