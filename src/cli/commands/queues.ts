import { print, printJson } from "../../core/terminal.js";
import { Command } from "commander";
import { listQueues, maxCountedJobs, type QueueInfo } from "../../queues/list-queues.js";
import { pauseQueue, resumeQueue } from "../../queues/pause.js";
import type { Settings } from "../../worker/settings/settings.js";
import { createDatabaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { type Columns, formatCount, printRows } from "../print.js";
import { commandDescriptions } from "../command-descriptions.js";

/** `soniq-drizzle queues` */
export function createQueuesCommand(): Command {
  return new Command("queues")
    .description(commandDescriptions.queues)
    .addCommand(createDatabaseCommand("list", "list the queues, and how many jobs are in them").action(list))
    .addCommand(
      createDatabaseCommand("pause", "pause a queue in all processes; running jobs finish")
        .argument("<queue>", "the name of the queue")
        .action(pause),
    )
    .addCommand(
      createDatabaseCommand("resume", "resume a paused queue, in its old order")
        .argument("<queue>", "the name of the queue")
        .action(resume),
    );
}

async function list(options: DatabaseOptions): Promise<void> {
  await withDatabase(options, async (db, settings) =>
    printRows(addConfiguredQueues(await listQueues(db), settings), queueColumns, "no queues", options),
  );
}

/** Adds the configured queues that have no waiting or running jobs. */
function addConfiguredQueues(listed: readonly QueueInfo[], { queues }: Settings): QueueInfo[] {
  const idleQueue = { pausedAt: null, due: 0, scheduled: 0, parked: 0, active: 0, latencyMs: null };
  const listedNames = new Set(listed.map(({ name }) => name));
  const idleNames = Object.keys(queues).filter((name) => !listedNames.has(name));
  return [...listed, ...idleNames.map((name) => ({ name, ...idleQueue }))].toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

/** The columns of a queue. */
export const queueColumns: Columns<QueueInfo> = {
  QUEUE: ({ name }) => name,
  PAUSED: ({ pausedAt }) => pausedAt,
  DUE: ({ due }) => formatCount(due, maxCountedJobs),
  SCHEDULED: ({ scheduled }) => formatCount(scheduled, maxCountedJobs),
  PARKED: ({ parked }) => formatCount(parked, maxCountedJobs),
  ACTIVE: ({ active }) => formatCount(active, maxCountedJobs),
  WAIT: ({ latencyMs }) => (latencyMs === null ? null : `${(latencyMs / 1_000).toFixed(1)} s`),
};

async function pause(name: string, options: DatabaseOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    await pauseQueue(db, name);
    if (options.json) printJson({ queue: name, paused: true });
    else print(`the queue ${name} is paused; running jobs finish`);
  });
}

async function resume(name: string, options: DatabaseOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    const wasPaused = await resumeQueue(db, name);
    if (options.json) printJson({ queue: name, paused: false });
    else print(wasPaused ? `the queue ${name} is resumed` : `the queue ${name} was not paused`);
  });
}
