import { and, eq, type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { anyId } from "../core/builder.js";
import { type Duration, parseDurationMs } from "../core/duration.js";
import { InvalidValueError, checkObject } from "../core/errors.js";
import { timeAgo, timestamp } from "../core/fragments.js";
import type { DeadLetterFilter } from "./filter.js";

/**
 * Builds the SQL condition of a filter.
 *
 * @throws InvalidValueError for an unknown key, or a key without a value. Ignoring it would also match dead letters
 *   that it was meant to exclude
 */
export function buildCondition(filter: DeadLetterFilter): SQL | undefined {
  checkObject(filter, "filter", "give an object, {} for all");
  const parts = Object.entries(filter).map(([key, value]) => {
    // Own keys only: every object inherits keys such as `constructor`.
    const condition =
      Object.hasOwn(conditionBuilders, key) && (conditionBuilders as Record<string, (value: unknown) => SQL>)[key];
    if (!condition)
      throw new InvalidValueError(
        `filter.${key}`,
        `is not a condition: the conditions are ${Object.keys(conditionBuilders).join(", ")}`,
      );
    if (value === undefined || value === null)
      throw new InvalidValueError(`filter.${key}`, `is ${value}: leave it out to mean all`);
    return condition(value);
  });
  // A literal, so that PostgreSQL uses the partial index.
  return and(sql`${soniqJobs.state} = 'dead'`, ...parts);
}

const conditionBuilders: { [Key in keyof DeadLetterFilter]-?: (value: Required<DeadLetterFilter>[Key]) => SQL } = {
  ids: (ids) => sql`${soniqJobs.id} = ${anyId(ids.filter(Number.isSafeInteger))}`,
  name: (name) => eq(soniqJobs.name, name),
  queue: (queue) => eq(soniqJobs.queue, queue),
  reason: (part) => sql`strpos(lower(${soniqJobs.reason}), lower(${part})) > 0`,
  error: (name) => sql`${soniqJobs.errors} -> -1 ->> 'name' = ${name}`,
  tag: (tag) => sql`jsonb_exists(${soniqJobs.tags}, ${tag})`,
  since: (time) => sql`${soniqJobs.finishedAt} >= ${parseTime(time, "filter.since")}`,
  before: (time) => sql`${soniqJobs.finishedAt} < ${parseTime(time, "filter.before")}`,
};

/** Parses a time, or a duration before now by the database's clock. */
function parseTime(time: Date | Duration, path: string): SQL {
  if (!(time instanceof Date)) return timeAgo(parseDurationMs(time, path));
  if (Number.isNaN(time.getTime()))
    throw new InvalidValueError(path, "is an invalid date: give a valid Date or a duration");
  return timestamp(time.getTime());
}
