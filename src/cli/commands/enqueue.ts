import { print, printJson } from "../../core/terminal.js";
import type { Command } from "commander";
import type { Duration } from "../../core/duration.js";
import { describeError, InvalidValueError, describeValue } from "../../core/errors.js";
import type { JobDefinition } from "../../jobs/definition/define-job.js";
import { enqueue } from "../../jobs/enqueue/enqueue.js";
import type { EnqueueOptions } from "../../jobs/enqueue/new-job.js";
import type { Settings } from "../../worker/settings/settings.js";
import { databaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";

import { duration, time } from "../time-arguments.js";

interface Options extends DatabaseOptions {
  readonly queue?: string;
  readonly priority?: number;
  readonly delay?: Duration;
  readonly runAt?: Date;
  readonly expiresIn?: Duration;
  readonly tags?: string[];
}

/** `soniq-drizzle enqueue` */
export function enqueueCommand(): Command {
  return databaseCommand("enqueue", "enqueue a job that the configuration knows")
    .argument("<job>", "its definition's name")
    .argument("<payload>", "as JSON: the definition's validator checks it")
    .option("--queue <name>", "where it waits (default: the definition's own, as with all of these)")
    .option("--priority <n>", "0 runs first, 9 last", Number)
    .option("--delay <duration>", "not before so long from now: 30s, 5m, 24h", duration)
    .option("--run-at <time>", "not before then: 2026-01-31T08:00Z", time)
    .option("--expires-in <duration>", "cancelled if it has not begun by then, so long from now", duration)
    .option("--tags <tags>", "words to find it by, separated by commas", tagList)
    .addHelpText("after", `\nExample: soniq-drizzle enqueue send-invoice '{"orderId": 1}' --delay 5m`)
    .action(enqueueOne);
}

async function enqueueOne(name: string, json: string, { config, json: asJson, ...given }: Options): Promise<void> {
  const payload = parsed(json);
  const options: EnqueueOptions = given;
  const { id, deduplicated } = await withDatabase({ ...(config && { config }) }, (db, settings) =>
    enqueue(db, definitionOf(settings, name), payload, options),
  );
  if (asJson) return printJson({ id, deduplicated });
  print(deduplicated ? `job #${id} has its unique key: it is that one` : `enqueued job #${id}`);
}

function definitionOf({ runnables }: Settings, name: string): JobDefinition {
  const found = runnables.get(name)?.definition;
  if (found) return found;
  const names = [...runnables.keys()].join(", ") || "none";
  throw new InvalidValueError(
    "<job>",
    `is ${describeValue(name)}, and the configuration knows no such job: there are ${names}`,
  );
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (error) {
    throw new InvalidValueError("<payload>", `is no JSON: ${describeError(error)}`);
  }
}

function tagList(text: string): string[] {
  return text
    .split(",")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
}
