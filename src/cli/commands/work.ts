import { Command } from "commander";
import type { Duration } from "../../core/duration.js";
import { findErrorCode, InvalidValueError } from "../../core/errors.js";
import { version } from "../../core/version.js";
import { checkTables } from "../../database/check-tables.js";
import { findLackOfRoom } from "../../database/connection-room.js";
import { findExposure, findOpenSchemas } from "../../database/exposure.js";
import { findUnworkedQueues } from "../../queues/unworked.js";
import { connectionBudget, totalOf } from "../../worker/settings/connection-budget.js";
import { type ProcessWorker, type Worker, workerOf } from "../../worker/create-worker.js";
import { narrow } from "../../worker/settings/settings.js";
import { parseConfig, type Settings } from "../../worker/settings/settings.js";
import { configOption } from "../database-command.js";
import { exitCodes, exitCodesInWords } from "../exit-codes.js";
import { explain } from "../explain.js";
import { healthPaths, serveHealth } from "../health-server.js";
import { loadConfig } from "../load-config.js";
import { metricsPath, serveMetrics } from "../metrics-server.js";
import { describeDatabase, openDatabase } from "../open-database.js";
import { portNumber } from "../port-number.js";
import { reporter } from "../reporter.js";
import { duration } from "../time-arguments.js";
import { stopOnUncaughtErrors } from "../uncaught-errors.js";
import { wholeNumber } from "../whole-number.js";

interface Options {
  readonly config?: string;
  readonly queues?: string[];
  readonly concurrency?: number;
  readonly drain?: true;
  readonly wait?: Duration;
  readonly maxDuration?: Duration;
  readonly healthPort?: number;
  readonly healthHost?: string;
  readonly metricsPort?: number;
  readonly metricsHost?: string;
  readonly allowHost?: readonly string[];
}

/** `soniq-drizzle work` */
export function workCommand(): Command {
  return new Command("work")
    .description("run the jobs of the configured queues, until told to stop")
    .option(...configOption)
    .option("--queues <names>", "only these of the configured queues, separated by commas", (text: string) =>
      text.split(","),
    )
    .option("--concurrency <n>", "how many jobs of each queue may run at once", wholeNumber)
    .option("--drain", "stop when nothing is active and nothing becomes due within --wait")
    .option("--wait <duration>", "with --drain: how long to wait for jobs that are due later (default: 60s)", duration)
    .option(
      "--max-duration <duration>",
      "with --drain: claim no more after this time, then stop as on SIGTERM",
      duration,
    )
    .option(
      "--health-port <n>",
      `answer probes over HTTP: ${healthPaths.live} and ${healthPaths.ready} (0: any free port)`,
      portNumber,
    )
    .option("--health-host <address>", "with --health-port: listen on this address only (default: all)")
    .option("--metrics-port <n>", `serve ${metricsPath} to Prometheus (0: any free port)`, portNumber)
    .option("--metrics-host <address>", "with --metrics-port: listen on this address only (default: all)")
    .option(
      "--allow-host <names...>",
      "names under which probes and Prometheus may ask, beside addresses, this machine's name and names inside a cluster",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  soniq-drizzle work --queues billing --concurrency 5 --health-port 8080\n  soniq-drizzle work --drain --max-duration 10m\n\nSIGTERM or SIGINT: claims no more, lets running jobs finish for the shutdownTimeout, gives the rest back. A second signal gives them back at once.\n\n" +
        exitCodesInWords,
    )
    .action(work);
}

async function work(options: Options): Promise<void> {
  checkCombination(options);
  let worker: ProcessWorker | undefined;
  stopOnUncaughtErrors(() => worker);
  const { config, path } = await loadConfig(options.config);
  const settings = narrow(parseConfig(config), options.queues, options.concurrency);
  const report = reporter(settings.logger);
  worker = workerOf(settings, [report.emit]);
  const signalled = stopOnSignals(worker, report.say).then(() => (options.drain ? exitCodes.cutShort : exitCodes.done));
  report.say(introduction(settings, path));
  const { healthPort, healthHost, metricsPort, metricsHost, allowHost: allowedHosts } = options;
  if (healthPort !== undefined) {
    const address = await serveHealth(worker.health, healthPort, { hostname: healthHost, allowedHosts });
    report.say(`health: ${address}${healthPaths.live} and ${healthPaths.ready}`);
  }
  if (metricsPort !== undefined) {
    const address = await serveMetrics(worker, settings.connection, metricsPort, {
      hostname: metricsHost,
      allowedHosts,
    });
    report.say(`metrics: ${address}${metricsPath}, over one connection more`);
  }
  const status = await Promise.race([signalled, run(worker, settings, options, report.say)]);
  // A handler that ignores its signal must not keep the process.
  process.exit(status);
}

/** @throws InvalidValueError for an option that says how another one is meant, without that: it would do nothing, and not say so */
function checkCombination({
  drain,
  wait,
  maxDuration,
  healthPort,
  healthHost,
  metricsPort,
  metricsHost,
}: Options): void {
  const alone = (flag: string, value: unknown, needed: string, other: unknown) => {
    if (value !== undefined && other === undefined)
      throw new InvalidValueError(needed, `is missing: ${flag} does nothing without it`);
  };
  alone("--wait", wait, "--drain", drain);
  alone("--max-duration", maxDuration, "--drain", drain);
  alone("--health-host", healthHost, "--health-port", healthPort);
  alone("--metrics-host", metricsHost, "--metrics-port", metricsPort);
}

/** @returns the status to end with, once it has drained, if it should */
async function run(
  worker: Worker,
  settings: Settings,
  { drain, wait, maxDuration }: Options,
  say: (text: string) => void,
): Promise<number> {
  for (const warning of await warnings(settings).catch(noRoom)) say(`warning: ${warning}`);
  await worker.start();
  say("ready: connected to PostgreSQL, looking for jobs");
  if (!drain) return new Promise(() => {});
  const drained = await worker.drain({
    ...(wait !== undefined && { wait }),
    ...(maxDuration !== undefined && { maxDuration }),
  });
  say(drained ? "drained" : "cut short before all was drained: jobs may be left");
  return drained ? exitCodes.done : exitCodes.cutShort;
}

function introduction(settings: Settings, path: string): string {
  const { connection, queues, runnables, schedules } = settings;
  const list = Object.entries(queues).map(([queue, concurrency]) => `${queue} × ${concurrency}`);
  return [
    `soniq-drizzle ${version} starts on ${describeDatabase(connection)}, configured by ${path}`,
    `queues: ${list.join(", ")} · jobs: ${[...runnables.keys()].join(", ") || "none"}`,
    ...(schedules.length > 0 ? [`schedules: ${schedules.map(({ name }) => name).join(", ")}`] : []),
    connections(settings),
  ].join("\n");
}

function connections(settings: Settings): string {
  if (typeof settings.connection !== "string")
    return "connections: none, PGlite has one session: all that is said to it takes turns, and this process alone may have it open";
  const budget = connectionBudget(settings);
  const { engine, beats, listener, transactions } = budget;
  return `connections: up to ${totalOf(budget)} (${engine} engine, ${beats} heartbeat, ${listener} listener, ${transactions} for transactions of handlers, as they are needed)`;
}

/** What an operator should know before the first job runs. */
async function warnings(settings: Settings): Promise<string[]> {
  const { connection, queues, pollIntervalMs: pollMs } = settings;
  const { db, route, close } = await openDatabase(connection);
  try {
    await checkTables(db);
    const unworked = await findUnworkedQueues(db, Object.keys(queues));
    const waiting = unworked.map((queue) => `jobs wait in the queue ${JSON.stringify(queue)}, and no worker works it`);
    if (!route) return waiting;
    const exposures = [await findExposure(db), await findOpenSchemas(db)].filter((text) => text !== undefined);
    const pooler = `there is a pooler in between that gives no session of our own: jobs are found by polling every ${pollMs / 1000} s, not by wake-ups, and cancellations with the next heartbeat`;
    const placement = route === "pooled" ? pooler : await findLackOfRoom(db, totalOf(connectionBudget(settings)));
    return [...(placement ? [placement] : []), ...waiting, ...exposures];
  } finally {
    await close();
  }
}

/** A worker that finds PostgreSQL full waits for room. */
function noRoom(error: unknown): string[] {
  if (findErrorCode(error) !== "53300") throw error;
  return [explain(error)];
}

/** Resolves when the worker has stopped because of a signal. */
function stopOnSignals(worker: Worker, say: (text: string) => void): Promise<void> {
  let signals = 0;
  return new Promise((stopped, failed) => {
    const onSignal = (signal: NodeJS.Signals) => {
      signals += 1;
      say(
        signals === 1
          ? `${signal}: finishing the running jobs (again to give them back at once)`
          : `${signal}: giving the running jobs back`,
      );
      worker.stop(signals === 1 ? {} : { timeout: 0 }).then(stopped, failed);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}
