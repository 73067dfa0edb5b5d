import { type SQL, sql } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type { Queryable } from "./queryable.js";

/** Drizzle's query builder of a database or transaction. Read replicas are left aside: each of our statements writes or must see writes. */
export function builder(db: Queryable): PgDatabase<PgQueryResultHKT> {
  const primary = (db as { $primary?: Queryable }).$primary ?? db;
  return primary as unknown as PgDatabase<PgQueryResultHKT>;
}

/** `= any (…)` over ids, as one parameter: the statement's text stays the same for any number of them, on any driver. */
export function anyId(ids: readonly number[]): SQL {
  return sql`any (${`{${ids.join()}}`}::text::bigint[])`;
}

/** Texts as rows, as one parameter: a statement takes 65,534 at the most. */
export function each(texts: readonly string[]): SQL {
  return sql`jsonb_array_elements_text(${JSON.stringify(texts)}::text::jsonb)`;
}
