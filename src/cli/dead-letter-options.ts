import type { Command } from "commander";
import type { Duration } from "../core/duration.js";
import { InvalidValueError } from "../core/errors.js";
import type { DeadLetterFilter } from "../dead-letters/filter.js";
import { parseTimeOrAgeOption } from "./time-arguments.js";
import { parseWholeNumbers } from "./whole-number.js";

/** The options that select dead letters. */
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

/** Adds the filter options to a command. */
export function addFilterOptions(command: Command): Command {
  return command
    .option("--id <ids...>", "only dead letters with these ids", parseWholeNumbers)
    .option("--name <name>", "only dead letters of this job definition")
    .option("--queue <name>", "only dead letters of this queue")
    .option("--reason <text>", "only dead letters whose reason contains this text")
    .option("--error <name>", "only dead letters whose last error has this name")
    .option("--tag <tag>", "only dead letters with this tag")
    .option(
      "--since <time>",
      "only jobs that died at or after this time, or at most this long ago: 2026-01-31T08:00Z, 24h",
      parseTimeOrAgeOption,
    )
    .option("--before <time>", "only jobs that died before this time, or longer ago than this", parseTimeOrAgeOption);
}

/** Returns the filter without the command's other options. */
export function toFilter(options: FilterOptions): DeadLetterFilter {
  const { id: ids, name, queue, reason, error, tag, since, before } = options;
  const entries = Object.entries({ ids, name, queue, reason, error, tag, since, before });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/**
 * Returns the filter of a command that changes the dead letters it selects.
 *
 * @throws InvalidValueError if there is neither a filter nor `--all`, or both
 */
export function parseBulkFilter(options: FilterOptions & { readonly all?: true }): DeadLetterFilter {
  const filter = toFilter(options);
  const isAll = Object.keys(filter).length === 0;
  if (isAll && !options.all)
    throw new InvalidValueError("--all", "is missing: give it to select all dead letters, or give a filter");
  if (!isAll && options.all)
    throw new InvalidValueError("--all", "cannot be combined with a filter: give only one of the two");
  return filter;
}
