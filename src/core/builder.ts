import { type SQL, sql } from "drizzle-orm";
import { type PgDatabase, PgDialect, type PgQueryResultHKT } from "drizzle-orm/pg-core";
import { describeValue, InvalidValueError, SoniqError } from "./errors.js";
import type { Queryable } from "./queryable.js";

/**
 * Returns Drizzle's query builder for a database or transaction. It bypasses read replicas: every statement of ours writes, or has
 * to see recent writes.
 *
 * @throws InvalidValueError if `db` is neither a database nor a transaction
 * @throws SoniqError if another major version of drizzle-orm opened `db` than the one that this package imports
 */
export function builder(db: Queryable): PgDatabase<PgQueryResultHKT> {
  return resolvePrimary(db) as unknown as PgDatabase<PgQueryResultHKT>;
}

/**
 * Checks that the caller passed a database or transaction, and returns it, or its primary if it has read replicas.
 *
 * @see builder
 */
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

/** The two major versions build statements from different classes, which cannot be mixed. */
function detectMajor(dialect: object): "0.45" | "1.0" {
  return "casing" in dialect ? "0.45" : "1.0";
}

const installedMajor = detectMajor(new PgDialect());

/**
 * The right side of `id = any (…)`. It passes all ids as one parameter, so the statement's text does not depend on their
 * number, on any driver.
 */
export function anyId(ids: readonly number[]): SQL {
  return sql`any (${`{${ids.join()}}`}::text::bigint[])`;
}

/** Returns texts as rows. It passes them as one parameter, because a statement takes at most 65,534 parameters. */
export function textRows(texts: readonly string[]): SQL {
  return sql`jsonb_array_elements_text(${JSON.stringify(texts)}::text::jsonb)`;
}
