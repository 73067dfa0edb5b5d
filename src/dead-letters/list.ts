import { and, desc, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import { parseLimit, type PageOptions } from "../core/page.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom } from "../core/fragments.js";
import type { JobError } from "../jobs/row/job.js";
import type { DeadLetterFilter } from "./filter.js";
import { matching } from "./matching.js";
import { cursorOf, finishedAtText, isBefore, parseCursor, theEnd } from "./position.js";

/** A job that has died, with all that helps to see why. */
export interface DeadLetter {
  readonly id: number;
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  /** As it was enqueued. */
  readonly payload: unknown;
  readonly reason: string;
  /** Its last failures, newest last. */
  readonly errors: readonly JobError[];
  readonly attempt: number;
  readonly maxAttempts: number;
  /** How many workers died with it in hand. */
  readonly crashes: number;
  /** How often it was retried. */
  readonly manualRetries: number;
  readonly uniqueKey: string | null;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  /** When it died. */
  readonly finishedAt: Date;
}

export interface DeadLetterPage {
  /** Newest first. */
  readonly deadLetters: readonly DeadLetter[];
  /** Where the next page begins; undefined if this is the last one. */
  readonly next: string | undefined;
}

/**
 * Lists dead letters, newest first, a page at a time. What dies or is retried between two pages shifts none of the others.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param page `cursor`: the `next` of the page before; `limit`: from 1 to 1000, default 50
 * @throws InvalidValueError before any SQL, for a filter, cursor or limit that is none
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listDeadLetters(
  db: Queryable,
  filter: DeadLetterFilter = {},
  page: PageOptions = {},
): Promise<DeadLetterPage> {
  const limit = parseLimit(page.limit);
  const after = page.cursor === undefined ? theEnd : parseCursor(page.cursor);
  const rows = await builder(db)
    .select({ letter: columns, mark: finishedAtText })
    .from(soniqJobs)
    .where(and(matching(filter), isBefore(after)))
    .orderBy(desc(soniqJobs.finishedAt), desc(soniqJobs.id))
    .limit(limit + 1)
    .catch(explainMissingTables);
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    deadLetters: rows.slice(0, limit).map(({ letter }) => deadLetter(letter)),
    next: last && cursorOf({ finishedAt: last.mark, id: last.letter.id }),
  };
}

const columns = {
  id: soniqJobs.id,
  name: soniqJobs.name,
  queue: soniqJobs.queue,
  priority: soniqJobs.priority,
  // As texts: Drizzle would read a JSON string once more.
  payload: sql<string>`${soniqJobs.payload}::text`,
  reason: sql<string>`coalesce(${soniqJobs.reason}, '')`,
  // Plain SQL may have put anything there.
  errors: sql<string>`case jsonb_typeof(${soniqJobs.errors}) when 'array' then ${soniqJobs.errors}::text else '[]' end`,
  attempt: soniqJobs.attempt,
  maxAttempts: soniqJobs.maxAttempts,
  crashes: soniqJobs.crashes,
  manualRetries: soniqJobs.manualRetries,
  uniqueKey: soniqJobs.uniqueKey,
  tags: sql<string>`${soniqJobs.tags}::text`,
  meta: sql<string>`${soniqJobs.meta}::text`,
  createdAt: dateFrom(soniqJobs.createdAt),
  finishedAt: dateFrom(soniqJobs.finishedAt),
};

type Row = Omit<DeadLetter, "payload" | "errors" | "tags" | "meta"> &
  Record<"payload" | "errors" | "tags" | "meta", string>;

function deadLetter(row: Row): DeadLetter {
  return {
    ...row,
    payload: JSON.parse(row.payload),
    errors: JSON.parse(row.errors) as DeadLetter["errors"],
    tags: JSON.parse(row.tags) as DeadLetter["tags"],
    meta: JSON.parse(row.meta) as DeadLetter["meta"],
  };
}
