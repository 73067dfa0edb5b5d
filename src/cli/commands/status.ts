import { toOneLine, print, printJson } from "../../core/terminal.js";
import type { Command } from "commander";
import type { Queryable } from "../../core/queryable.js";
import { version } from "../../core/version.js";
import { type DeadLetterSummary, maxCounted, summarizeDeadLetters } from "../../dead-letters/summarize.js";
import { listQueues, type QueueInfo } from "../../queues/list.js";
import { listWorkers, type WorkerInfo } from "../../sessions/list-workers.js";
import { type Rate, readRates } from "../../stats/read-rates.js";
import { databaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { showLive } from "../live-screen.js";
import { describeDatabase } from "../open-database.js";
import { countText, tableLines } from "../print.js";
import { groupColumns } from "./dead.js";
import { queueColumns } from "./queues.js";
import { workerColumns } from "./workers.js";

/** What an operator looks at first. */
interface Status {
  readonly queues: readonly QueueInfo[];
  /** Those that have not ended. */
  readonly workers: readonly WorkerInfo[];
  readonly rates: readonly Rate[];
  readonly deadLetters: DeadLetterSummary;
}

/** `soniq-drizzle status` */
export function statusCommand(): Command {
  return databaseCommand(
    "status",
    "show queues, workers and dead letters: once, or in a terminal again each second",
  ).action(status);
}

async function status(options: DatabaseOptions): Promise<void> {
  await withDatabase(options, async (db, { connection }) => {
    if (options.json) return printJson(await readStatus(db));
    const place = describeDatabase(connection);
    const lines = async () => statusLines(place, await readStatus(db));
    if (process.stdout.isTTY) return showLive(lines, process.stdout, stopSignal());
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

function statusLines(place: string, { queues, workers, rates, deadLetters }: Status): string[] {
  const { count, groups } = deadLetters;
  const perMinute = new Map(rates.map((rate) => [rate.queue, rate.perMinute]));
  const columns = {
    ...queueColumns,
    "DONE A MINUTE": ({ name }: QueueInfo) => (perMinute.get(name) ?? 0).toFixed(1),
  };
  return [
    `soniq-drizzle ${version} · ${place} · ${new Date().toLocaleTimeString("sv")}`,
    "",
    ...(queues.length > 0 ? tableLines(queues, columns) : ["no queue has jobs, and none is worked"]),
    ...unworked(queues, workers).map((name) => toOneLine(`no worker works the queue ${name}`)),
    "",
    ...(workers.length > 0 ? tableLines(workers, workerColumns) : ["no worker runs"]),
    "",
    `${countText(count, maxCounted)} dead letters`,
    ...(count > 0 ? tableLines(groups.slice(0, maxGroups), groupColumns) : []),
  ];
}

/** Queues in which jobs wait for a worker that nobody has started. */
function unworked(queues: readonly QueueInfo[], workers: readonly WorkerInfo[]): string[] {
  const worked = new Set(workers.flatMap((worker) => worker.queues.map(({ name }) => name)));
  return queues.filter(({ name, due }) => due > 0 && !worked.has(name)).map(({ name }) => name);
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
