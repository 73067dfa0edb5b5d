import { Command, InvalidArgumentError } from "commander";
import type { Duration } from "../../core/duration.js";
import { milliseconds } from "../../core/duration.js";
import { errorCode } from "../../core/errors.js";
import { version } from "../../core/version.js";
import { checkTables } from "../../database/check-tables.js";
import { connect, describeUrl } from "../../database/connect.js";
import { findLackOfRoom } from "../../database/connection-room.js";
import { findExposure } from "../../database/exposure.js";
import { findRoute } from "../../database/route.js";
import { findUnworkedQueues } from "../../queues/unworked.js";
import { type Worker, workerOf } from "../../worker/create-worker.js";
import { connectionBudget, totalOf } from "../../worker/connection-budget.js";
import { checkConfig, narrow, type Settings } from "../../worker/settings.js";
import { explain } from "../explain.js";
import { loadConfig } from "../load-config.js";
import { reporter } from "../reporter.js";

interface Options {
  readonly config?: string;
  readonly queues?: string[];
  readonly concurrency?: number;
  readonly drain?: true;
  readonly wait: Duration;
  readonly maxDuration?: Duration;
}

/** `soniq-drizzle work` */
export function workCommand(): Command {
  return new Command("work")
    .description("run the jobs of the configured queues, until told to stop")
    .option("--config <file>", "the configuration (default: soniq.config.ts or .js in this folder)")
    .option("--queues <names>", "only these of the configured queues, separated by commas", (text: string) =>
      text.split(","),
    )
    .option("--concurrency <n>", "how many jobs of each queue may run at once", wholeNumber)
    .option("--drain", "stop when nothing is active and nothing becomes due within --wait")
    .option(
      "--wait <duration>",
      "with --drain: how long to wait for jobs that are due later",
      duration,
      "60s" as Duration,
    )
    .option("--max-duration <duration>", "with --drain: stop after this time at the latest", duration)
    .addHelpText(
      "after",
      "\nSIGTERM or SIGINT: claims no more, lets running jobs finish for the drainTimeout, gives the rest back. A second signal gives them back at once.",
    )
    .action(work);
}

async function work(options: Options): Promise<void> {
  const { config, path } = await loadConfig(options.config);
  const settings = narrow(checkConfig(config), options.queues, options.concurrency);
  const report = reporter();
  const worker = workerOf(settings, report.tell);
  stopOnSignals(worker, report.say);
  report.say(introduction(settings, path));
  for (const warning of await warnings(settings).catch(noRoom)) report.say(`warning: ${warning}`);
  await worker.start();
  if (!options.drain) return;
  const { wait, maxDuration } = options;
  await worker.drain({ wait, ...(maxDuration !== undefined && { maxDuration }) });
  report.say("drained");
  // A handler that ignores its signal must not keep the process.
  process.exit(0);
}

function introduction(settings: Settings, path: string): string {
  const { connection, queues, runnables } = settings;
  const budget = connectionBudget(settings);
  const { engine, beats, listener, transactions } = budget;
  const list = Object.entries(queues).map(([queue, concurrency]) => `${queue} × ${concurrency}`);
  return [
    `soniq-drizzle ${version} works on ${describeUrl(connection)}, configured by ${path}`,
    `queues: ${list.join(", ")} · jobs: ${[...runnables.keys()].join(", ") || "none"}`,
    `connections: up to ${totalOf(budget)} (${engine} engine, ${beats} heartbeat, ${listener} listener, ${transactions} for transactions of handlers, as they are needed)`,
  ].join("\n");
}

/** What an operator should know before the first job runs. */
async function warnings(settings: Settings): Promise<string[]> {
  const { connection, queues, pollMs } = settings;
  const route = await findRoute(connection);
  const { db, close } = connect(connection, 1, { route });
  try {
    await checkTables(db);
    const unworked = await findUnworkedQueues(db, Object.keys(queues));
    const exposure = await findExposure(db);
    const pooler = `there is a pooler in between that gives no session of our own: jobs are found by polling every ${pollMs / 1000} s, not by wake-ups, and cancellations with the next heartbeat`;
    const placement = route === "pooled" ? pooler : await findLackOfRoom(db, totalOf(connectionBudget(settings)));
    return [
      ...(placement ? [placement] : []),
      ...unworked.map((queue) => `jobs wait in the queue ${JSON.stringify(queue)}, and no worker works it`),
      ...(exposure ? [exposure] : []),
    ];
  } finally {
    await close();
  }
}

/** A worker that finds PostgreSQL full waits for room. */
function noRoom(error: unknown): string[] {
  if (errorCode(error) !== "53300") throw error;
  return [explain(error)];
}

function stopOnSignals(worker: Worker, say: (text: string) => void): void {
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    signals += 1;
    say(
      signals === 1
        ? `${signal}: finishing the running jobs (again to give them back at once)`
        : `${signal}: giving the running jobs back`,
    );
    worker.stop(signals === 1 ? {} : { timeout: 0 }).then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`soniq-drizzle: ${explain(error)}`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

function wholeNumber(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError("give a whole number from 1.");
  return n;
}

function duration(text: string): Duration {
  try {
    milliseconds(text as Duration, "it");
    return text as Duration;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
