import { Command } from "commander";
import { version } from "../core/version.js";
import { commandDescriptions } from "./command-descriptions.js";

const loaders: { readonly [Name in keyof typeof commandDescriptions]: () => Promise<Command> } = {
  work: async () => (await import("./commands/work.js")).createWorkCommand(),
  migrate: async () => (await import("./commands/migrate.js")).createMigrateCommand(),
  status: async () => (await import("./commands/status.js")).createStatusCommand(),
  dashboard: async () => (await import("./commands/dashboard.js")).createDashboardCommand(),
  enqueue: async () => (await import("./commands/enqueue.js")).createEnqueueCommand(),
  jobs: async () => (await import("./commands/jobs.js")).createJobsCommand(),
  dead: async () => (await import("./commands/dead.js")).createDeadCommand(),
  queues: async () => (await import("./commands/queues.js")).createQueuesCommand(),
  workers: async () => (await import("./commands/workers.js")).createWorkersCommand(),
  schedules: async () => (await import("./commands/schedules.js")).createSchedulesCommand(),
  webhooks: async () => (await import("./commands/webhooks.js")).createWebhooksCommand(),
};

/**
 * Creates the command line.
 *
 * @param args the arguments. Only the commands that they name are loaded, with their arguments and options; of the others, the
 *   program has the name and the description. Default: all commands are loaded
 */
export async function createProgram(args?: readonly string[]): Promise<Command> {
  const program = new Command("soniq-drizzle")
    .description("The job queue for Drizzle and PostgreSQL.")
    .version(version);
  for (const name of Object.keys(loaders) as (keyof typeof loaders)[]) {
    const isNamed = args === undefined || args.includes(name);
    program.addCommand(isNamed ? await loaders[name]() : new Command(name).description(commandDescriptions[name]));
  }
  configureErrors(program, program.name());
  return program;
}

/** Makes usage errors throw, and print a line that names the command with the help. */
function configureErrors(command: Command, path: string): void {
  command.showHelpAfterError(`Run ${path} --help for the available commands and options.`).exitOverride();
  for (const each of command.commands) configureErrors(each, `${path} ${each.name()}`);
}
