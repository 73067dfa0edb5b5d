import { print, printJson } from "../../core/terminal.js";
import type { Command } from "commander";
import type { Duration } from "../../core/duration.js";
import { describeError, InvalidValueError, describeValue } from "../../core/errors.js";
import type { JobDefinition } from "../../jobs/definition/define-job.js";
import { enqueue } from "../../jobs/enqueue/enqueue.js";
import type { EnqueueOptions } from "../../jobs/enqueue/new-job.js";
import type { Settings } from "../../worker/settings/settings.js";
import { createDatabaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";

import { parseDurationOption, parseTimeOption } from "../time-arguments.js";
import { commandDescriptions } from "../command-descriptions.js";

interface Options extends DatabaseOptions {
  readonly queue?: string;
  readonly priority?: number;
  readonly delay?: Duration;
  readonly runAt?: Date;
  readonly expiresIn?: Duration;
  readonly tags?: string[];
}

/** `soniq-drizzle enqueue` */
export function createEnqueueCommand(): Command {
  return createDatabaseCommand("enqueue", commandDescriptions.enqueue)
    .argument("<job>", "the name of the job definition")
    .argument("<payload>", "the payload as JSON; the definition's validator checks it")
    .option("--queue <name>", "the queue (default for this and the other options: what the definition sets)")
    .option("--priority <n>", "the priority: 0 runs first, 9 last", Number)
    .option("--delay <duration>", "run it after this delay: 30s, 5m, 24h", parseDurationOption)
    .option("--run-at <time>", "run it at this time: 2026-01-31T08:00Z", parseTimeOption)
    .option("--expires-in <duration>", "cancel it if it has not started within this time", parseDurationOption)
    .option("--tags <tags>", "tags to find it by, separated by commas", parseTags)
    .addHelpText("after", `\nExample: soniq-drizzle enqueue send-invoice '{"orderId": 1}' --delay 5m`)
    .action(enqueueJob);
}

async function enqueueJob(
  name: string,
  json: string,
  { config, json: printsJson, ...enqueueOptions }: Options,
): Promise<void> {
  const payload = parsePayload(json);
  const options: EnqueueOptions = enqueueOptions;
  const { id, deduplicated } = await withDatabase({ ...(config && { config }) }, (db, settings) =>
    enqueue(db, findDefinition(settings, name), payload, options),
  );
  if (printsJson) return printJson({ id, deduplicated });
  print(deduplicated ? `not enqueued: job #${id} has the same unique key` : `enqueued job #${id}`);
}

function findDefinition({ runnables }: Settings, name: string): JobDefinition {
  const found = runnables.get(name)?.definition;
  if (found) return found;
  const names = [...runnables.keys()].join(", ") || "none";
  throw new InvalidValueError(
    "<job>",
    `is ${describeValue(name)}, and the configuration has no such job: it has ${names}`,
  );
}

function parsePayload(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (error) {
    throw new InvalidValueError("<payload>", `is not valid JSON: ${describeError(error)}`);
  }
}

function parseTags(text: string): string[] {
  return text
    .split(",")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
}
