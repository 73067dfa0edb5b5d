import { and, desc, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import { parseLimit, type PageOptions } from "../core/page.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom } from "../core/fragments.js";
import type { JobError } from "../jobs/row/job.js";
import type { DeadLetterFilter } from "./filter.js";
import { buildCondition } from "./condition.js";
import { formatCursor, finishedAtText, isBefore, parseCursor, lastPosition } from "./position.js";

/** A job that has died, with all details that help to find out why. */
export interface DeadLetter {
  readonly id: number;
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  /** The payload as it was enqueued. */
  readonly payload: unknown;
  readonly reason: string;
  /** The last failures, newest last. */
  readonly errors: readonly JobError[];
  readonly attempt: number;
  readonly maxAttempts: number;
  /** The number of workers that crashed while they ran the job. */
  readonly crashes: number;
  /** How often the job was retried manually. */
  readonly manualRetries: number;
  readonly uniqueKey: string | null;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  /** When the job died. */
  readonly finishedAt: Date;
}

export interface DeadLetterPage {
  /** Newest first. */
  readonly deadLetters: readonly DeadLetter[];
  /** The cursor of the next page; undefined on the last page. */
  readonly next: string | undefined;
}

/**
 * Lists one page of dead letters, newest first. A job that dies or is retried between two pages does not shift the
 * other dead letters.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param page `cursor`: the `next` of the previous page; `limit`: from 1 to 1000, default 50
 * @throws InvalidValueError before any SQL, if the filter, cursor or limit is invalid
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listDeadLetters(
  db: Queryable,
  filter: DeadLetterFilter = {},
  page: PageOptions = {},
): Promise<DeadLetterPage> {
  const limit = parseLimit(page.limit);
  const position = page.cursor === undefined ? lastPosition : parseCursor(page.cursor);
  const rows = await builder(db)
    .select({ letter: columns, diedAt: finishedAtText })
    .from(soniqJobs)
    .where(and(buildCondition(filter), isBefore(position)))
    .orderBy(desc(soniqJobs.finishedAt), desc(soniqJobs.id))
    .limit(limit + 1)
    .catch(explainMissingTables);
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    deadLetters: rows.slice(0, limit).map(({ letter }) => toDeadLetter(letter)),
    next: last && formatCursor({ finishedAt: last.diedAt, id: last.letter.id }),
  };
}

const columns = {
  id: soniqJobs.id,
  name: soniqJobs.name,
  queue: soniqJobs.queue,
  priority: soniqJobs.priority,
  // As texts, because Drizzle would parse a JSON string twice.
  payload: sql<string>`${soniqJobs.payload}::text`,
  reason: sql<string>`coalesce(${soniqJobs.reason}, '')`,
  // Plain SQL may have stored any JSON here.
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

function toDeadLetter(row: Row): DeadLetter {
  return {
    ...row,
    payload: JSON.parse(row.payload),
    errors: JSON.parse(row.errors) as DeadLetter["errors"],
    tags: JSON.parse(row.tags) as DeadLetter["tags"],
    meta: JSON.parse(row.meta) as DeadLetter["meta"],
  };
}
