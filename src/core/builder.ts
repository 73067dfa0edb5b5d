import { type SQL, sql } from "drizzle-orm";
import { type PgDatabase, PgDialect, type PgQueryResultHKT } from "drizzle-orm/pg-core";
import { InvalidValueError, describeValue, SoniqError } from "./errors.js";
import type { Queryable } from "./queryable.js";

/**
 * Drizzle's query builder of a database or transaction. Read replicas are left aside: each of our statements writes or must see writes.
 *
 * @throws InvalidValueError for anything else
 * @throws SoniqError for a handle of another drizzle-orm than the one that this package found
 */
export function builder(db: Queryable): PgDatabase<PgQueryResultHKT> {
  return resolvePrimary(db) as unknown as PgDatabase<PgQueryResultHKT>;
}

/** The database or transaction that a caller passed, once it is known to be one. @see builder */
export function resolvePrimary(db: Queryable): Queryable {
  if (typeof (db as Partial<Queryable> | null | undefined)?.execute !== "function")
    throw new InvalidValueError(
      "db",
      `is ${describeValue(db)}: pass the database that Drizzle opened, or the transaction that it passes to your function`,
    );
  const primary = (db as { $primary?: Queryable }).$primary ?? db;
  const { dialect } = primary as { dialect?: object };
  if (dialect && detectMajor(dialect) !== installedMajor)
    throw new SoniqError(
      `this database was opened with drizzle-orm ${detectMajor(dialect)}, but soniq-drizzle found drizzle-orm ${installedMajor}: use one version in the whole workspace, or install soniq-drizzle beside the one that opens it`,
    );
  return primary;
}

/** The two majors build statements of other parts, which do not fit each other. */
function detectMajor(dialect: object): "0.45" | "1.0" {
  return "casing" in dialect ? "0.45" : "1.0";
}

const installedMajor = detectMajor(new PgDialect());

/** `= any (…)` over ids, as one parameter: the statement's text stays the same for any number of them, on any driver. */
export function anyId(ids: readonly number[]): SQL {
  return sql`any (${`{${ids.join()}}`}::text::bigint[])`;
}

/** Texts as rows, as one parameter: a statement takes 65,534 at the most. */
export function textRows(texts: readonly string[]): SQL {
  return sql`jsonb_array_elements_text(${JSON.stringify(texts)}::text::jsonb)`;
}
