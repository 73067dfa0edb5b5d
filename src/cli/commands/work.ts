import { Command } from "commander";
import type { Duration } from "../../core/duration.js";
import { findErrorCode, InvalidValueError } from "../../core/errors.js";
import { version } from "../../core/version.js";
import { checkTables } from "../../database/check-tables.js";
import { findConnectionShortage } from "../../database/connection-limits.js";
import { findExposure, findOpenSchemas } from "../../database/exposure.js";
import { findUnworkedQueues } from "../../queues/find-unworked-queues.js";
import { computeConnectionBudget, countConnections } from "../../worker/settings/connection-budget.js";
import { type ProcessWorker, type Worker, createProcessWorker } from "../../worker/create-worker.js";
import { narrowSettings } from "../../worker/settings/settings.js";
import { parseConfig, type Settings } from "../../worker/settings/settings.js";
import { configOption } from "../database-command.js";
import { exitCodes, exitCodesHelp } from "../exit-codes.js";
import { explain } from "../explain.js";
import { healthPaths, serveHealth } from "../health-server.js";
import { loadConfig } from "../load-config.js";
import { metricsPath, serveMetrics } from "../metrics-server.js";
import { describeDatabase, openDatabase } from "../open-database.js";
import { parsePort } from "../port-number.js";
import { createReporter } from "../reporter.js";
import { parseDurationOption } from "../time-arguments.js";
import { stopOnUncaughtErrors } from "../uncaught-errors.js";
import { parseWholeNumber } from "../whole-number.js";
import { commandDescriptions } from "../command-descriptions.js";

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
export function createWorkCommand(): Command {
  return new Command("work")
    .description(commandDescriptions.work)
    .option(...configOption)
    .option("--queues <names>", "work only these configured queues, separated by commas", (text: string) =>
      text.split(","),
    )
    .option("--concurrency <n>", "maximum number of jobs of each queue that run at once", parseWholeNumber)
    .option("--drain", "stop when no job is active or becomes due within --wait")
    .option(
      "--wait <duration>",
      "with --drain: how long to wait for scheduled jobs (default: 60s)",
      parseDurationOption,
    )
    .option(
      "--max-duration <duration>",
      "with --drain: stop claiming after this time, then stop as on SIGTERM",
      parseDurationOption,
    )
    .option(
      "--health-port <n>",
      `answer probes over HTTP: ${healthPaths.live} and ${healthPaths.ready} (0: any free port)`,
      parsePort,
    )
    .option("--health-host <address>", "with --health-port: listen on this address only (default: all)")
    .option("--metrics-port <n>", `serve ${metricsPath} to Prometheus (0: any free port)`, parsePort)
    .option("--metrics-host <address>", "with --metrics-port: listen on this address only (default: all)")
    .option(
      "--allow-host <names...>",
      "host names that probes and Prometheus may request, in addition to IP addresses, this machine's name and cluster-internal names",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  soniq-drizzle work --queues billing --concurrency 5 --health-port 8080\n  soniq-drizzle work --drain --max-duration 10m\n\nSIGTERM or SIGINT: stops claiming, gives running jobs the shutdownTimeout to finish, and releases the rest. A second signal releases them at once.\n\n" +
        exitCodesHelp,
    )
    .action(work);
}

async function work(options: Options): Promise<void> {
  checkCombination(options);
  let worker: ProcessWorker | undefined;
  stopOnUncaughtErrors(() => worker);
  const { config, path } = await loadConfig(options.config);
  const settings = narrowSettings(parseConfig(config), options.queues, options.concurrency);
  const reporter = createReporter(settings.logger);
  worker = createProcessWorker(settings, [reporter.emit]);
  const signalled = stopOnSignals(worker, reporter.log).then(() =>
    options.drain ? exitCodes.cutShort : exitCodes.done,
  );
  reporter.log(describeSetup(settings, path));
  const { healthPort, healthHost, metricsPort, metricsHost, allowHost: allowedHosts } = options;
  if (healthPort !== undefined) {
    const address = await serveHealth(worker.health, healthPort, { hostname: healthHost, allowedHosts });
    reporter.log(`health: ${address}${healthPaths.live} and ${healthPaths.ready}`);
  }
  if (metricsPort !== undefined) {
    const address = await serveMetrics(worker, settings.connection, metricsPort, {
      hostname: metricsHost,
      allowedHosts,
    });
    reporter.log(`metrics: ${address}${metricsPath}, over one additional connection`);
  }
  const exitCode = await Promise.race([signalled, runWorker(worker, settings, options, reporter.log)]);
  // A handler that ignores its signal must not keep the process alive.
  process.exit(exitCode);
}

/** @throws InvalidValueError for an option that modifies another option, if that is missing: it would be silently ignored */
function checkCombination({
  drain,
  wait,
  maxDuration,
  healthPort,
  healthHost,
  metricsPort,
  metricsHost,
}: Options): void {
  const checkCompanion = (flag: string, value: unknown, companionFlag: string, companion: unknown) => {
    if (value !== undefined && companion === undefined)
      throw new InvalidValueError(companionFlag, `is missing: ${flag} does nothing without it`);
  };
  checkCompanion("--wait", wait, "--drain", drain);
  checkCompanion("--max-duration", maxDuration, "--drain", drain);
  checkCompanion("--health-host", healthHost, "--health-port", healthPort);
  checkCompanion("--metrics-host", metricsHost, "--metrics-port", metricsPort);
}

/** Runs the worker. @returns the exit code once it has drained; without `--drain`, the promise never resolves */
async function runWorker(
  worker: Worker,
  settings: Settings,
  { drain, wait, maxDuration }: Options,
  log: (text: string) => void,
): Promise<number> {
  for (const warning of await findWarnings(settings).catch(explainNoRoom)) log(`warning: ${warning}`);
  await worker.start();
  log("ready: connected to PostgreSQL, looking for jobs");
  if (!drain) return new Promise(() => {});
  const drained = await worker.drain({
    ...(wait !== undefined && { wait }),
    ...(maxDuration !== undefined && { maxDuration }),
  });
  log(drained ? "drained" : "stopped before the queues were drained: jobs may be left");
  return drained ? exitCodes.done : exitCodes.cutShort;
}

function describeSetup(settings: Settings, path: string): string {
  const { connection, queues, runnables, schedules } = settings;
  const list = Object.entries(queues).map(([queue, concurrency]) => `${queue} × ${concurrency}`);
  return [
    `soniq-drizzle ${version} starts on ${describeDatabase(connection)}, configured by ${path}`,
    `queues: ${list.join(", ")} · jobs: ${[...runnables.keys()].join(", ") || "none"}`,
    ...(schedules.length > 0 ? [`schedules: ${schedules.map(({ name }) => name).join(", ")}`] : []),
    describeConnections(settings),
  ].join("\n");
}

function describeConnections(settings: Settings): string {
  if (typeof settings.connection !== "string")
    return "connections: none; PGlite has one session, so its statements run one at a time, and only this process may open it";
  const budget = computeConnectionBudget(settings);
  const { engine, beats, listener, transactions } = budget;
  return `connections: up to ${countConnections(budget)} (${engine} engine, ${beats} heartbeat, ${listener} listener, ${transactions} for transactions of handlers, opened on demand)`;
}

/** Finds the problems that an operator should know before the first job runs. */
async function findWarnings(settings: Settings): Promise<string[]> {
  const { connection, queues, pollIntervalMs: pollMs } = settings;
  const { db, route, close } = await openDatabase(connection);
  try {
    await checkTables(db);
    const unworkedQueues = await findUnworkedQueues(db, Object.keys(queues));
    const queueWarnings = unworkedQueues.map(
      (queue) => `jobs wait in the queue ${JSON.stringify(queue)}, and no worker processes it`,
    );
    if (!route) return queueWarnings;
    const exposures = [await findExposure(db), await findOpenSchemas(db)].filter((text) => text !== undefined);
    const poolerWarning = `the connection goes through a pooler that does not provide sessions: the worker finds jobs by polling every ${pollMs / 1000} s instead of by notification, and cancellations with the next heartbeat`;
    const connectionWarning =
      route === "pooled"
        ? poolerWarning
        : await findConnectionShortage(db, countConnections(computeConnectionBudget(settings)));
    return [...(connectionWarning ? [connectionWarning] : []), ...queueWarnings, ...exposures];
  } finally {
    await close();
  }
}

/** Turns "too many connections" into a warning: the worker retries until PostgreSQL accepts its connections. */
function explainNoRoom(error: unknown): string[] {
  if (findErrorCode(error) !== "53300") throw error;
  return [explain(error)];
}

/** Resolves when the worker has stopped because of a signal. */
function stopOnSignals(worker: Worker, log: (text: string) => void): Promise<void> {
  let signals = 0;
  return new Promise((resolve, reject) => {
    const onSignal = (signal: NodeJS.Signals) => {
      signals += 1;
      log(
        signals === 1
          ? `${signal}: finishing the running jobs (send it again to release them at once)`
          : `${signal}: releasing the running jobs`,
      );
      worker.stop(signals === 1 ? {} : { timeout: 0 }).then(resolve, reject);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}
