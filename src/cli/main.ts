import { Command, CommanderError } from "commander";
import { version } from "../core/version.js";
import { deadCommand } from "./commands/dead.js";
import { jobsCommand } from "./commands/jobs.js";
import { migrateCommand } from "./commands/migrate.js";
import { queuesCommand } from "./commands/queues.js";
import { schedulesCommand } from "./commands/schedules.js";
import { webhooksCommand } from "./commands/webhooks.js";
import { workCommand } from "./commands/work.js";
import { exitCodeOf } from "./exit-codes.js";
import { explain } from "./explain.js";
import { printable } from "./printable.js";

const program = new Command("soniq-drizzle")
  .description("The job queue for Drizzle and PostgreSQL.")
  .version(version)
  .addCommand(workCommand())
  .addCommand(migrateCommand())
  .addCommand(jobsCommand())
  .addCommand(deadCommand())
  .addCommand(queuesCommand())
  .addCommand(schedulesCommand())
  .addCommand(webhooksCommand());
for (const command of withSubcommands(program)) command.showHelpAfterError().exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  // What is wrong with a command line, commander has said.
  if (!(error instanceof CommanderError)) console.error(`soniq-drizzle: ${printable(explain(error))}`);
  process.exit(exitCodeOf(error));
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
