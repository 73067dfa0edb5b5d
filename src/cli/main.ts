import { Command, CommanderError } from "commander";
import { version } from "../core/version.js";
import { errorCode } from "../core/errors.js";
import { dashboardCommand } from "./commands/dashboard.js";
import { deadCommand } from "./commands/dead.js";
import { enqueueCommand } from "./commands/enqueue.js";
import { jobsCommand } from "./commands/jobs.js";
import { migrateCommand } from "./commands/migrate.js";
import { queuesCommand } from "./commands/queues.js";
import { schedulesCommand } from "./commands/schedules.js";
import { statusCommand } from "./commands/status.js";
import { webhooksCommand } from "./commands/webhooks.js";
import { workCommand } from "./commands/work.js";
import { workersCommand } from "./commands/workers.js";
import { exitCodeOf, exitCodes } from "./exit-codes.js";
import { explain } from "./explain.js";
import { complain } from "../core/terminal.js";

const program = new Command("soniq-drizzle")
  .description("The job queue for Drizzle and PostgreSQL.")
  .version(version)
  .addCommand(workCommand())
  .addCommand(migrateCommand())
  .addCommand(statusCommand())
  .addCommand(dashboardCommand())
  .addCommand(enqueueCommand())
  .addCommand(jobsCommand())
  .addCommand(deadCommand())
  .addCommand(queuesCommand())
  .addCommand(workersCommand())
  .addCommand(schedulesCommand())
  .addCommand(webhooksCommand());
for (const command of withSubcommands(program)) {
  const name = command === program ? "" : `${command.name()} `;
  command.showHelpAfterError(`Run soniq-drizzle ${name}--help to see what there is.`).exitOverride();
}

/** Aborted when whoever read what is printed, as `head` does, has seen enough: it is lost from then on. */
const unread = new AbortController();
process.stdout.on("error", (error) => {
  if (errorCode(error) !== "EPIPE") throw error;
  unread.abort();
});

try {
  await program.parseAsync();
} catch (error) {
  if (unread.signal.aborted) process.exit(exitCodes.done);
  // What is wrong with a command line, commander has said.
  if (!(error instanceof CommanderError)) complain(`soniq-drizzle: ${explain(error)}`);
  process.exit(exitCodeOf(error));
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
