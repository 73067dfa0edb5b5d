import { type SQL, sql } from "drizzle-orm";

/** A time in PostgreSQL, which does not read all years that JavaScript writes. What is before 1970 is taken for that: no job is older. */
export function timestamp(ms: number): SQL {
  return sql`to_timestamp(${Math.max(0, ms)}::float8 / 1000)`;
}
