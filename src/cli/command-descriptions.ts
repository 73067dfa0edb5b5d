/** The commands in the order of the help, each with its description. The help shows them without loading the commands. */
export const commandDescriptions = {
  work: "run the jobs of the configured queues until a signal stops it",
  migrate: "create or update the job tables, if you do not use drizzle-kit",
  status: "show queues, workers and dead letters; in a terminal, redraw them each second",
  dashboard: "serve the dashboard, and print a link to it",
  enqueue: "enqueue a job of the configuration",
  jobs: "list, show, retry, cancel or discard jobs",
  dead: "list, count, retry, purge or export dead letters: jobs that failed permanently",
  queues: "list, pause or resume queues",
  workers: "list the workers, and how many jobs each has",
  schedules: "list, pause, resume, trigger or remove schedules, which enqueue jobs at certain times",
  webhooks: "register, pause, resume or delete webhook endpoints, and list their deliveries",
} as const;
