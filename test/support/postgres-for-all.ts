// One PostgreSQL for the whole test run, with a migrated database that each test file gets a copy of.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { migrate } from "../../src/database/migrate.ts";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    postgresUrl: string;
    template: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["SONIQ_TEST_DATABASE_URL"];
  const embedded = given ? undefined : await startEmbeddedPostgres({ fsync: "off", max_connections: "200" });
  const url = given ?? (embedded?.url as string);
  const template = `soniq_template_${process.pid}`;
  const admin = postgres(url, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${template}`);
  const client = postgres(databaseUrl(url, template), { max: 1, onnotice: () => {} });
  await migrate(drizzle({ client }));
  await client.end();
  project.provide("postgresUrl", url);
  project.provide("template", template);
  return async () => {
    await admin.unsafe(`drop database ${template}`);
    await admin.end();
    await embedded?.stop();
  };
}

/** The same server, another database. */
export function databaseUrl(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}
