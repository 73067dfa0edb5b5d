import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { createCursorError } from "../core/page.js";
import { timeText } from "../core/fragments.js";

/** A position among the dead letters, which are ordered by the time at which they died. */
export interface DeadLetterPosition {
  /** A text, because a Date would lose the microseconds. */
  readonly finishedAt: string;
  readonly id: number;
}

export const firstPosition: DeadLetterPosition = { finishedAt: "-infinity", id: 0 };
export const lastPosition: DeadLetterPosition = { finishedAt: "infinity", id: 0 };

/** The time at which a job died, as positions store it: independent of the session's time zone. */
export const finishedAtText = timeText(soniqJobs.finishedAt);

/** Compares a pair, so that PostgreSQL uses the index of dead letters and not the index of all finished jobs. */
export function isAfter({ finishedAt, id }: DeadLetterPosition): SQL {
  return sql`(${soniqJobs.finishedAt}, ${soniqJobs.id}) > (${finishedAt}::timestamptz, ${id}::bigint)`;
}

export function isBefore({ finishedAt, id }: DeadLetterPosition): SQL {
  return sql`(${soniqJobs.finishedAt}, ${soniqJobs.id}) < (${finishedAt}::timestamptz, ${id}::bigint)`;
}

/** Formats a position as the cursor that callers get. */
export function formatCursor({ finishedAt, id }: DeadLetterPosition): string {
  return `${finishedAt}~${id}`;
}

export function parseCursor(cursor: string): DeadLetterPosition {
  const [, finishedAt, year, day, time, id] =
    /^((\d{4,6})(-\d\d-\d\d) (\d\d:\d\d:\d\d)\.\d{6}\+00)~(\d{1,16})$/.exec(cursor) ?? [];
  // PostgreSQL would refuse a 30th of February and abort the transaction.
  const date = new Date(`+${year?.padStart(6, "0")}${day}T${time}Z`);
  const isTime =
    Number(year) > 0 && !Number.isNaN(date.getTime()) && date.toISOString().endsWith(`${day}T${time}.000Z`);
  if (finishedAt === undefined || !isTime) throw createCursorError(cursor);
  return { finishedAt, id: Number(id) };
}
