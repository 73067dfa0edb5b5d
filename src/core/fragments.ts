import { type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { soniqWorkers } from "../../schema/workers.js";

/** For a statement of the builder that reads no table. */
export const oneRow = sql`(values (1)) as one`;

/** A span of time. @param ms a number, as `float8` in SQL */
export function interval(ms: SQLWrapper): SQL {
  return sql`${ms} * interval '1 millisecond'`;
}

/** A parameter, or a placeholder, that is a number of milliseconds. */
export function float8(ms: unknown): SQL {
  return sql`${ms}::float8`;
}

/** A time in milliseconds since 1970, as a number with a fraction. */
export function epochMs(time: SQLWrapper): SQL<number> {
  return sql`(extract(epoch from ${time}) * 1000)::float8`;
}

/** Whether a worker's session is live: it has not ended, and its lease has not expired. */
export const isLive = sql`${soniqWorkers.endedAt} is null and ${soniqWorkers.leaseExpiresAt} > now()`;

/** A time in PostgreSQL, which does not read all years that JavaScript writes. What is before 1970 is taken for that: no job is older. */
export function timestamp(ms: number): SQL {
  return sql`to_timestamp(${Math.max(0, ms)}::float8 / 1000)`;
}

/** A time so long ago by the database's clock. What is before 1970 is taken for that, or a long duration would be out of its range. */
export function timeAgo(ms: number): SQL {
  return sql`to_timestamp(greatest(0, extract(epoch from now())::float8 - ${ms}::float8 / 1000))`;
}

/**
 * A time as a text that means the same in every session and has all its microseconds, to be sent back as a `timestamptz`.
 * A session's own text for it depends on DateStyle and TimeZone: its "IST" would be read as Israel's where it meant India's.
 */
export function timeText(time: SQLWrapper): SQL<string> {
  return sql<string>`coalesce(to_char((${time}) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00'), '-infinity')`;
}

const maxDateMs = 8.64e15;

/**
 * A time as a Date, read as a number: what a driver reads from the session's own text is wrong or invalid in other styles than
 * ISO. `infinity` is the last time that a Date knows.
 */
export function dateFrom(time: SQLWrapper): SQL<Date> {
  return epochMs(time).mapWith(
    (ms: number | string) => new Date(Math.max(-maxDateMs, Math.min(maxDateMs, Number(ms)))),
  );
}

/** The same for a time that may be null. */
export const nullableDateFrom = dateFrom as (time: SQLWrapper) => SQL<Date | null>;
