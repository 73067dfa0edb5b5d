import { randomBytes } from "node:crypto";
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres, { type Options, type Sql } from "postgres";
import { migrate } from "../../../src/database/migrate.ts";
import { databaseUrl } from "../../support/postgres-for-all.ts";

/** What a scenario is given. */
export interface Surroundings {
  /** A superuser's connection string, to a server that may be used freely. */
  readonly url: string;
  readonly seed: number;
}

/** What it found. */
export interface Findings {
  readonly figures: Record<string, number>;
  /** One sentence for each promise that was broken. */
  readonly violations: string[];
}

/** One kind of fault, at length. */
export type Scenario = (around: Surroundings) => Promise<Findings>;

export interface ScratchDatabase {
  readonly url: string;
  readonly sql: Sql;
  readonly db: PostgresJsDatabase;
  /** Drizzle over other connections. */
  open(options: Options<Record<string, never>>): PostgresJsDatabase;
  drop(): Promise<void>;
}

/** A migrated database of a scenario's own. */
export async function scratchDatabase(server: string): Promise<ScratchDatabase> {
  const name = `soniq_scenario_${randomBytes(6).toString("hex")}`;
  const clients: Sql[] = [];
  const connect = (to: string, options: Options<Record<string, never>>) => {
    const client = postgres(to, { onnotice: () => {}, ...options });
    clients.push(client);
    return client;
  };
  const admin = connect(server, { max: 1 });
  await admin.unsafe(`create database ${name}`);
  const url = databaseUrl(server, name);
  const sql = connect(url, { max: 4 });
  const db = drizzle({ client: sql });
  await migrate(db);
  return {
    url,
    sql,
    db,
    open: (options) => drizzle({ client: connect(url, options) }),
    async drop() {
      await Promise.all(clients.filter((client) => client !== admin).map((client) => client.end({ timeout: 1 })));
      await admin.unsafe(`drop database if exists ${name} with (force)`);
      await admin.end({ timeout: 1 });
    },
  };
}

/** Asks every so often until it is so. @returns whether it came to be so in time */
export async function within(seconds: number, isSo: () => Promise<boolean>): Promise<boolean> {
  for (const end = performance.now() + seconds * 1_000; performance.now() < end;) {
    if (await isSo()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

/** Jobs that are not finished, or that were charged for what was no fault of theirs. */
export async function leftovers(sql: Sql): Promise<string[]> {
  const rows = await sql<{ state: string; attempt: number; errors: number; jobs: number }[]>`
    select state, attempt, jsonb_array_length(errors) as errors, count(*)::int as jobs from soniq_jobs
    where state not in ('completed', 'cancelled') or attempt > 1 or errors <> '[]' group by 1, 2, 3`;
  return rows.map(
    ({ state, attempt, errors, jobs }) => `${jobs} jobs are ${state} in attempt ${attempt}, with ${errors} errors`,
  );
}
