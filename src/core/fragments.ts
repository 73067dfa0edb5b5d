import { type SQL, sql, type SQLWrapper } from "drizzle-orm";
import { soniqWorkers } from "../../schema/workers.js";

/** The `from` of a builder statement that reads no table. */
export const oneRow = sql`(values (1)) as one`;

/** An SQL interval. @param ms milliseconds, an SQL expression of type `float8` */
export function interval(ms: SQLWrapper): SQL {
  return sql`${ms} * interval '1 millisecond'`;
}

/** A number of milliseconds as a parameter. @param ms the number, or a placeholder for it */
export function float8(ms: unknown): SQL {
  return sql`${ms}::float8`;
}

/** Converts a time to milliseconds since 1970, with a fraction. */
export function epochMs(time: SQLWrapper): SQL<number> {
  return sql`(extract(epoch from ${time}) * 1000)::float8`;
}

/** The condition that a worker session is live: it has not ended, and its lease has not expired. */
export const isLive = sql`${soniqWorkers.endedAt} is null and ${soniqWorkers.leaseExpiresAt} > now()`;

/**
 * Converts milliseconds since 1970 to a `timestamptz`. The number is passed, because PostgreSQL cannot parse every year that
 * JavaScript formats. A time before 1970 becomes 1970: no job is older.
 */
export function timestamp(ms: number): SQL {
  return sql`to_timestamp(${Math.max(0, ms)}::float8 / 1000)`;
}

/**
 * The time that lies this many milliseconds back, by the database's clock; 1970 at the earliest, since a longer duration could
 * leave PostgreSQL's range.
 */
export function timeAgo(ms: number): SQL {
  return sql`to_timestamp(greatest(0, extract(epoch from now())::float8 - ${ms}::float8 / 1000))`;
}

/**
 * Formats a time as a text that can be sent back as a `timestamptz`: it keeps the microseconds and means the same in every session.
 * The session's default format depends on DateStyle and TimeZone: "IST", written for India, would be read as Israel's time.
 */
export function timeText(time: SQLWrapper): SQL<string> {
  return sql<string>`coalesce(to_char((${time}) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00'), '-infinity')`;
}

const maxDateMs = 8.64e15;

/**
 * Selects a time as a Date. It is transferred as a number, because drivers misread the session's text format unless DateStyle is
 * ISO. `infinity` becomes the latest time that a Date can represent.
 */
export function dateFrom(time: SQLWrapper): SQL<Date> {
  return epochMs(time).mapWith(
    (ms: number | string) => new Date(Math.max(-maxDateMs, Math.min(maxDateMs, Number(ms)))),
  );
}

/** Like {@link dateFrom}, for a time that may be null. */
export const nullableDateFrom = dateFrom as (time: SQLWrapper) => SQL<Date | null>;
