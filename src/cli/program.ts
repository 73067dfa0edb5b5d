import { Command } from "commander";
import { version } from "../core/version.js";
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

/** The whole command line: all of its commands, with their arguments and options. */
export function soniqProgram(): Command {
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
  explainErrors(program, program.name());
  return program;
}

/** An error in a command line is one line, and one that says where the help is. */
function explainErrors(command: Command, path: string): void {
  command.showHelpAfterError(`Run ${path} --help to see what there is.`).exitOverride();
  for (const each of command.commands) explainErrors(each, `${path} ${each.name()}`);
}
