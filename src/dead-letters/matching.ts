import { and, eq, type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { anyId } from "../core/builder.js";
import { type Duration, parseDuration } from "../core/duration.js";
import { InvalidValueError, describeValue, checkObject } from "../core/errors.js";
import { timeAgo, timestamp } from "../core/fragments.js";
import type { DeadLetterFilter } from "./filter.js";

/**
 * The condition that a filter is.
 *
 * @throws InvalidValueError for a key that is none or has no value: what else it was to leave out would be met as well
 */
export function matching(filter: DeadLetterFilter): SQL | undefined {
  checkObject(filter, "filter", "give an object, {} for all");
  const given = Object.entries(filter).map(([key, value]) => {
    // Not any key that all objects have.
    const condition = Object.hasOwn(conditions, key) && (conditions as Record<string, (value: unknown) => SQL>)[key];
    if (!condition)
      throw new InvalidValueError(`filter.${key}`, `is no condition: there are ${Object.keys(conditions).join(", ")}`);
    if (value === undefined || value === null)
      throw new InvalidValueError(`filter.${key}`, `is ${value}: leave it out to mean all`);
    return condition(value);
  });
  // Literal, for the partial index.
  return and(sql`${soniqJobs.state} = 'dead'`, ...given);
}

const conditions: { [Key in keyof DeadLetterFilter]-?: (value: Required<DeadLetterFilter>[Key]) => SQL } = {
  ids: (ids) => sql`${soniqJobs.id} = ${anyId(ids.filter(Number.isSafeInteger))}`,
  name: (name) => eq(soniqJobs.name, name),
  queue: (queue) => eq(soniqJobs.queue, queue),
  reason: (part) => sql`strpos(lower(${soniqJobs.reason}), lower(${part})) > 0`,
  error: (name) => sql`${soniqJobs.errors} -> -1 ->> 'name' = ${name}`,
  tag: (tag) => sql`jsonb_exists(${soniqJobs.tags}, ${tag})`,
  since: (time) => sql`${soniqJobs.finishedAt} >= ${moment(time, "filter.since")}`,
  before: (time) => sql`${soniqJobs.finishedAt} < ${moment(time, "filter.before")}`,
};

/** A time, or how long ago by the database's clock. */
function moment(time: Date | Duration, what: string): SQL {
  if (!(time instanceof Date)) return timeAgo(parseDuration(time, what));
  if (Number.isNaN(time.getTime())) throw new InvalidValueError(what, `is ${describeValue(time)} that is invalid`);
  return timestamp(time.getTime());
}
