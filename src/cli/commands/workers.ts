import type { Command } from "commander";
import { listWorkers, type WorkerInfo } from "../../sessions/list-workers.js";
import { createDatabaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { type Columns, printRows } from "../print.js";
import { commandDescriptions } from "../command-descriptions.js";

/** `soniq-drizzle workers` */
export function createWorkersCommand(): Command {
  return createDatabaseCommand("workers", commandDescriptions.workers).action((options: DatabaseOptions) =>
    withDatabase(options, async (db) => printRows(await listWorkers(db), workerColumns, "no workers", options)),
  );
}

/** The columns of a worker. */
export const workerColumns: Columns<WorkerInfo> = {
  STATE: ({ state }) => state,
  HOST: ({ host }) => host,
  PID: ({ pid }) => pid,
  "ACTIVE OF CONCURRENCY": ({ queues }) =>
    queues.map(({ name, active, concurrency }) => `${name} ${active}/${concurrency}`).join(", "),
  VERSION: ({ version }) => version,
  STARTED: ({ startedAt }) => startedAt,
  "LAST HEARTBEAT": ({ beatAt }) => beatAt,
  ENDED: ({ endedAt }) => endedAt,
  SESSION: ({ id }) => id,
};
