import { print, printJson } from "../../core/terminal.js";
import { Command } from "commander";
import { listQueues, maxCounted, type QueueInfo } from "../../queues/list.js";
import { pauseQueue, resumeQueue } from "../../queues/pause.js";
import type { Settings } from "../../worker/settings/settings.js";
import { databaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { type Columns, countText, printRows } from "../print.js";

/** `soniq-drizzle queues` */
export function queuesCommand(): Command {
  return new Command("queues")
    .description("list, pause or resume queues")
    .addCommand(databaseCommand("list", "list the queues, and how many jobs are in them").action(list))
    .addCommand(
      databaseCommand("pause", "have nobody start jobs of a queue; running ones finish")
        .argument("<queue>", "its name")
        .action(pause),
    )
    .addCommand(
      databaseCommand("resume", "have a paused queue go on, in its old order")
        .argument("<queue>", "its name")
        .action(resume),
    );
}

async function list(options: DatabaseOptions): Promise<void> {
  await withDatabase(options, async (db, settings) =>
    printRows(withConfigured(await listQueues(db), settings), queueColumns, "no queues", options),
  );
}

/** Adds the queues of the configuration in which nothing waits or runs yet. */
function withConfigured(listed: readonly QueueInfo[], { queues }: Settings): QueueInfo[] {
  const empty = { pausedAt: null, due: 0, scheduled: 0, parked: 0, active: 0, latencyMs: null };
  const known = new Set(listed.map(({ name }) => name));
  const others = Object.keys(queues).filter((name) => !known.has(name));
  return [...listed, ...others.map((name) => ({ name, ...empty }))].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What people see of a queue. */
export const queueColumns: Columns<QueueInfo> = {
  QUEUE: ({ name }) => name,
  PAUSED: ({ pausedAt }) => pausedAt,
  DUE: ({ due }) => countText(due, maxCounted),
  SCHEDULED: ({ scheduled }) => countText(scheduled, maxCounted),
  PARKED: ({ parked }) => countText(parked, maxCounted),
  ACTIVE: ({ active }) => countText(active, maxCounted),
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
    else print(wasPaused ? `the queue ${name} goes on` : `the queue ${name} was not paused`);
  });
}
