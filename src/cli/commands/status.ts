import { toOneLine, print, printJson } from "../../core/terminal.js";
import type { Command } from "commander";
import type { Queryable } from "../../core/queryable.js";
import { version } from "../../core/version.js";
import { type DeadLetterSummary, maxCounted, summarizeDeadLetters } from "../../dead-letters/summarize.js";
import { listQueues, type QueueInfo } from "../../queues/list-queues.js";
import { listWorkers, type WorkerInfo } from "../../sessions/list-workers.js";
import { type Rate, readRates } from "../../stats/read-rates.js";
import { createDatabaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { showLive } from "../live-screen.js";
import { describeDatabase } from "../open-database.js";
import { formatCount, formatTable } from "../print.js";
import { groupColumns } from "./dead.js";
import { queueColumns } from "./queues.js";
import { workerColumns } from "./workers.js";
import { commandDescriptions } from "../command-descriptions.js";

/** The figures of `soniq-drizzle status`. */
interface Status {
  readonly queues: readonly QueueInfo[];
  /** The workers that have not ended. */
  readonly workers: readonly WorkerInfo[];
  readonly rates: readonly Rate[];
  readonly deadLetters: DeadLetterSummary;
}

/** `soniq-drizzle status` */
export function createStatusCommand(): Command {
  return createDatabaseCommand("status", commandDescriptions.status).action(showStatus);
}

async function showStatus(options: DatabaseOptions): Promise<void> {
  await withDatabase(options, async (db, { connection }) => {
    if (options.json) return printJson(await readStatus(db));
    const database = describeDatabase(connection);
    const lines = async () => formatStatus(database, await readStatus(db));
    if (process.stdout.isTTY) return showLive(lines, process.stdout, createStopSignal());
    for (const line of await lines()) print(line);
  });
}

async function readStatus(db: Queryable): Promise<Status> {
  const queues = await listQueues(db);
  const workers = await listWorkers(db);
  const rates = await readRates(db);
  const deadLetters = await summarizeDeadLetters(db);
  return { queues, workers: workers.filter(({ state }) => state !== "ended"), rates, deadLetters };
}

const maxGroups = 5;

function formatStatus(database: string, { queues, workers, rates, deadLetters }: Status): string[] {
  const { count, groups } = deadLetters;
  const perMinute = new Map(rates.map((rate) => [rate.queue, rate.perMinute]));
  const columns = {
    ...queueColumns,
    "DONE PER MINUTE": ({ name }: QueueInfo) => (perMinute.get(name) ?? 0).toFixed(1),
  };
  return [
    `soniq-drizzle ${version} · ${database} · ${new Date().toLocaleTimeString("sv")}`,
    "",
    ...(queues.length > 0 ? formatTable(queues, columns) : ["no queue has jobs or a worker"]),
    ...findQueuesWithoutWorker(queues, workers).map((name) => toOneLine(`no worker processes the queue ${name}`)),
    "",
    ...(workers.length > 0 ? formatTable(workers, workerColumns) : ["no worker is running"]),
    "",
    `${formatCount(count, maxCounted)} dead letters`,
    ...(count > 0 ? formatTable(groups.slice(0, maxGroups), groupColumns) : []),
  ];
}

/** Finds the queues that have due jobs but no worker. */
function findQueuesWithoutWorker(queues: readonly QueueInfo[], workers: readonly WorkerInfo[]): string[] {
  const workedQueues = new Set(workers.flatMap((worker) => worker.queues.map(({ name }) => name)));
  return queues.filter(({ name, due }) => due > 0 && !workedQueues.has(name)).map(({ name }) => name);
}

function createStopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
