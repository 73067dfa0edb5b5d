import { is, Param, Placeholder, SQL, type SQLWrapper, StringChunk } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Queryable } from "./queryable.js";

/**
 * Builds a statement once for all calls: what differs between them are placeholders. Drizzle takes about as long to build a
 * claim as PostgreSQL does to carry it out.
 *
 * @param build has `sql.placeholder(name)` wherever a call's own value goes
 * @returns makes the statement of one call
 */
export function prepareStatement<Values extends Record<string, unknown>>(
  build: (db: Queryable) => SQLWrapper,
): (db: Queryable, values: Values) => SQL {
  let texts: readonly StringChunk[] | undefined;
  let parameters: readonly unknown[] = [];
  return (db, values) => {
    if (!texts) {
      const { sql, params } = new PgDialect().sqlToQuery(build(db).getSQL());
      // They are numbered in the order in which they stand there.
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
