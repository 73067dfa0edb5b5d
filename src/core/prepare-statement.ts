import { is, Param, Placeholder, SQL, type SQLWrapper, StringChunk } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Queryable } from "./queryable.js";

/**
 * Builds a statement once and reuses its text in every call, with placeholders for the values. Without this, Drizzle takes about as
 * long to build a claim as PostgreSQL takes to execute it.
 *
 * @param build builds the statement, with `sql.placeholder(name)` in place of each value that differs between calls
 * @returns a function that creates the statement with the values of one call
 */
export function prepareStatement<Values extends Record<string, unknown>>(
  build: (db: Queryable) => SQLWrapper,
): (db: Queryable, values: Values) => SQL {
  let texts: readonly StringChunk[] | undefined;
  let parameters: readonly unknown[] = [];
  return (db, values) => {
    if (!texts) {
      const { sql, params } = new PgDialect().sqlToQuery(build(db).getSQL());
      // Drizzle numbers the parameters in the order of their appearance, so the numbers need not be parsed.
      texts = sql.split(/\$\d+/).map((text) => new StringChunk(text));
      parameters = params;
    }
    return new SQL(
      texts.flatMap((text, i) => (i < parameters.length ? [text, toParam(parameters[i], values)] : [text])),
    );
  };
}

function toParam(parameter: unknown, values: Record<string, unknown>): Param {
  if (is(parameter, Placeholder)) return new Param(values[parameter.name]);
  if (is(parameter, Param) && is(parameter.value, Placeholder))
    return new Param(values[parameter.value.name], parameter.encoder);
  return new Param(parameter);
}
