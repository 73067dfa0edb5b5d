import { type SQL, sql } from "drizzle-orm";

/** When a job is due of which both, or either, may be null: in milliseconds since 1970, and from now. */
export function dueFrom(runAtMs: SQL, delayMs: SQL): SQL {
  return sql`greatest(clock_timestamp(), coalesce(to_timestamp(${runAtMs} / 1000), clock_timestamp() + coalesce(${delayMs}, 0) * interval '1 millisecond'))`;
}
