import type { Command } from "commander";
import type { Duration } from "../core/duration.js";
import { InvalidValueError } from "../core/errors.js";
import type { DeadLetterFilter } from "../dead-letters/filter.js";
import { timeOrAge } from "./time-arguments.js";
import { wholeNumbers } from "./whole-number.js";

/** Which dead letters a command is about. */
export interface FilterOptions {
  readonly id?: readonly number[];
  readonly name?: string;
  readonly queue?: string;
  readonly reason?: string;
  readonly error?: string;
  readonly tag?: string;
  readonly since?: Date | Duration;
  readonly before?: Date | Duration;
}

/** Adds the options of a filter to a command. */
export function withFilter(command: Command): Command {
  return command
    .option("--id <ids...>", "only those of these ids", wholeNumbers)
    .option("--name <name>", "only those of this definition")
    .option("--queue <name>", "only those of this queue")
    .option("--reason <text>", "only those with this text in their reason")
    .option("--error <name>", "only those whose last error has this name")
    .option("--tag <tag>", "only those with this tag")
    .option(
      "--since <time>",
      "only those that died at this time or later, or within so long: 2026-01-31T08:00Z, 24h",
      timeOrAge,
    )
    .option("--before <time>", "only those that died before this time, or longer ago", timeOrAge);
}

/** What the options say, without the command's others. */
export function filterOf(options: FilterOptions): DeadLetterFilter {
  const { id: ids, name, queue, reason, error, tag, since, before } = options;
  const given = Object.entries({ ids, name, queue, reason, error, tag, since, before });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** The same for a command that changes what it finds: that all are meant must be said. */
export function filterOrAll(options: FilterOptions & { readonly all?: true }): DeadLetterFilter {
  const filter = filterOf(options);
  const isAll = Object.keys(filter).length === 0;
  if (isAll && !options.all) throw new InvalidValueError("--all", "is missing: say so to mean all, or say which");
  if (!isAll && options.all) throw new InvalidValueError("--all", "stands beside a filter: give one of them");
  return filter;
}
