import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { createCursorError } from "../core/page.js";
import { timeText } from "../core/fragments.js";

/** A place among dead letters, which are in the order in which they died. */
export interface DeadLetterPosition {
  /** A text: a Date would lose its microseconds. */
  readonly finishedAt: string;
  readonly id: number;
}

export const theBeginning: DeadLetterPosition = { finishedAt: "-infinity", id: 0 };
export const theEnd: DeadLetterPosition = { finishedAt: "infinity", id: 0 };

/** When a job died, as a mark has it: the same in the time zone of any session. */
export const finishedAtText = timeText(soniqJobs.finishedAt);

/** As a pair, so that the index of dead letters serves, and not the one of all that has finished. */
export function isAfter({ finishedAt, id }: DeadLetterPosition): SQL {
  return sql`(${soniqJobs.finishedAt}, ${soniqJobs.id}) > (${finishedAt}::timestamptz, ${id}::bigint)`;
}

export function isBefore({ finishedAt, id }: DeadLetterPosition): SQL {
  return sql`(${soniqJobs.finishedAt}, ${soniqJobs.id}) < (${finishedAt}::timestamptz, ${id}::bigint)`;
}

/** A mark as others keep it. */
export function cursorOf({ finishedAt, id }: DeadLetterPosition): string {
  return `${finishedAt}~${id}`;
}

export function parseCursor(cursor: string): DeadLetterPosition {
  const [, finishedAt, year, day, time, id] =
    /^((\d{4,6})(-\d\d-\d\d) (\d\d:\d\d:\d\d)\.\d{6}\+00)~(\d{1,16})$/.exec(cursor) ?? [];
  // PostgreSQL would refuse a 30th of February, and the transaction with it.
  const date = new Date(`+${year?.padStart(6, "0")}${day}T${time}Z`);
  const isTime =
    Number(year) > 0 && !Number.isNaN(date.getTime()) && date.toISOString().endsWith(`${day}T${time}.000Z`);
  if (finishedAt === undefined || !isTime) throw createCursorError(cursor);
  return { finishedAt, id: Number(id) };
}
