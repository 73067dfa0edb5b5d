import { randomBytes } from "node:crypto";
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { afterAll, inject } from "vitest";
import { databaseUrl } from "./postgres-for-all.ts";

export interface TestDatabase {
  readonly url: string;
  /** Drizzle over connections of its own, as an application has it. */
  readonly db: PostgresJsDatabase;
  /** The bare driver over other connections, for what is outside: plain SQL, and other people's transactions. */
  readonly sql: Sql;
}

/** A database of this test file's own, dropped when the file is done. @param migrated whether it has the job tables */
export async function testDatabase({ migrated = true }: { migrated?: boolean } = {}): Promise<TestDatabase> {
  const server = inject("postgresUrl");
  const name = `soniq_test_${randomBytes(6).toString("hex")}`;
  const admin = postgres(server, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${name}${migrated ? ` template ${inject("template")}` : ""}`);
  const url = databaseUrl(server, name);
  const client = postgres(url, { max: 5, onnotice: () => {} });
  const sql = postgres(url, { max: 5, onnotice: () => {} });
  afterAll(async () => {
    await Promise.all([client.end({ timeout: 1 }), sql.end({ timeout: 1 })]);
    await admin.unsafe(`drop database ${name} with (force)`);
    await admin.end();
  });
  return { url, db: drizzle({ client }), sql };
}
