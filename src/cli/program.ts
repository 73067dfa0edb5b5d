import { Command } from "commander";
import { version } from "../core/version.js";
import { createDashboardCommand } from "./commands/dashboard.js";
import { createDeadCommand } from "./commands/dead.js";
import { createEnqueueCommand } from "./commands/enqueue.js";
import { createJobsCommand } from "./commands/jobs.js";
import { createMigrateCommand } from "./commands/migrate.js";
import { createQueuesCommand } from "./commands/queues.js";
import { createSchedulesCommand } from "./commands/schedules.js";
import { createStatusCommand } from "./commands/status.js";
import { createWebhooksCommand } from "./commands/webhooks.js";
import { createWorkCommand } from "./commands/work.js";
import { createWorkersCommand } from "./commands/workers.js";

/** Creates the command line with all commands, arguments and options. */
export function createProgram(): Command {
  const program = new Command("soniq-drizzle")
    .description("The job queue for Drizzle and PostgreSQL.")
    .version(version)
    .addCommand(createWorkCommand())
    .addCommand(createMigrateCommand())
    .addCommand(createStatusCommand())
    .addCommand(createDashboardCommand())
    .addCommand(createEnqueueCommand())
    .addCommand(createJobsCommand())
    .addCommand(createDeadCommand())
    .addCommand(createQueuesCommand())
    .addCommand(createWorkersCommand())
    .addCommand(createSchedulesCommand())
    .addCommand(createWebhooksCommand());
  configureErrors(program, program.name());
  return program;
}

/** Makes usage errors throw, and print a line that names the command with the help. */
function configureErrors(command: Command, path: string): void {
  command.showHelpAfterError(`Run ${path} --help for the available commands and options.`).exitOverride();
  for (const each of command.commands) configureErrors(each, `${path} ${each.name()}`);
}
