import { drizzle } from "drizzle-orm/pg-proxy";
import { format } from "sql-formatter";
import type { Queryable } from "../../src/core/queryable.ts";

/**
 * The statements that a function sends, as PostgreSQL would get them, each once.
 *
 * @param run gets a database without PostgreSQL, which answers every statement with no rows; an error that this brings about
 *   ends the function, and is no concern here
 * @param answers rows for the first statements, in place of none
 */
export async function recordStatements(
  run: (db: Queryable) => unknown,
  answers: readonly (readonly unknown[])[] = [],
): Promise<string[]> {
  const statements = new Set<string>();
  const left = [...answers];
  const db = drizzle((text) => {
    statements.add(text);
    return Promise.resolve({ rows: [...(left.shift() ?? [])] });
  }) as unknown as Queryable;
  const recording = Object.assign(db, { transaction: (inside: (tx: Queryable) => Promise<unknown>) => inside(db) });
  try {
    await run(recording);
  } catch {
    // It missed the rows that it would have got from PostgreSQL.
  }
  return [...statements].map((text) => `${format(text, { language: "postgresql", keywordCase: "lower" })};\n`);
}
