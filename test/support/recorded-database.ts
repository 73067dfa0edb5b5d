import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { afterAll } from "vitest";

export interface RecordedDatabase {
  readonly db: PostgresJsDatabase;
  /** The statements that went out so far, those that begin and end transactions aside. */
  readonly sent: { readonly statement: string; readonly parameters: readonly unknown[] }[];
}

/** Drizzle over a connection of its own that remembers what it sends. */
export function recordedDatabase(url: string): RecordedDatabase {
  const client = postgres(url, { max: 1, onnotice: () => {} });
  afterAll(() => client.end({ timeout: 1 }));
  const sent: RecordedDatabase["sent"] = [];
  const logger = { logQuery: (statement: string, parameters: unknown[]) => void sent.push({ statement, parameters }) };
  return { db: drizzle({ client, logger }), sent };
}
