import { count, desc, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom } from "../core/fragments.js";
import type { DeadLetterFilter } from "./filter.js";
import { buildCondition } from "./condition.js";

/** At most this many dead letters are counted, the newest ones. */
export const maxCounted = 10_000;

/** A summary of the dead letters. */
export interface DeadLetterSummary {
  /** The number of dead letters; 10000 stands for as many or more. */
  readonly count: number;
  /** The groups, largest first. */
  readonly groups: readonly DeadLetterGroup[];
}

/** Dead letters of one job that died for the same reason, with the same error. */
export interface DeadLetterGroup {
  readonly name: string;
  /** The reason without the details of each job: `out of attempts`, `invalid payload` … */
  readonly reason: string;
  /** The name of the last error; null if there was none. */
  readonly error: string | null;
  readonly count: number;
  /** When the first and the last job of the group died. */
  readonly oldest: Date;
  readonly newest: Date;
}

/**
 * Counts dead letters by cause of death: an overview before you retry or purge them.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws InvalidValueError before any SQL, if the filter is invalid
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function summarizeDeadLetters(db: Queryable, filter: DeadLetterFilter = {}): Promise<DeadLetterSummary> {
  const qb = builder(db);
  const newest = qb
    .select({
      name: soniqJobs.name,
      reason: sql<string>`split_part(coalesce(${soniqJobs.reason}, ''), ':', 1)`.as("kind"),
      error: sql<string | null>`${soniqJobs.errors} -> -1 ->> 'name'`.as("error"),
      finishedAt: soniqJobs.finishedAt,
    })
    .from(soniqJobs)
    .where(buildCondition(filter))
    .orderBy(desc(soniqJobs.finishedAt), desc(soniqJobs.id))
    .limit(maxCounted)
    .as("newest");
  const groups = await qb
    .select({
      name: newest.name,
      reason: newest.reason,
      error: newest.error,
      count: count(),
      oldest: dateFrom(sql`min(${newest.finishedAt})`),
      newest: dateFrom(sql`max(${newest.finishedAt})`),
    })
    .from(newest)
    .groupBy(newest.name, newest.reason, newest.error)
    .orderBy(desc(count()), newest.name, newest.reason, newest.error)
    .catch(explainMissingTables);
  return { count: groups.reduce((sum, group) => sum + group.count, 0), groups };
}
