import { setTimeout as sleep } from "node:timers/promises";
import postgres, { type Sql } from "postgres";
import { startEmbeddedPostgres } from "../test/support/embedded-postgres.ts";
import type { System } from "./systems/system.ts";

/** For a machine with about 16 GB. All other settings are PostgreSQL's defaults, including `fsync` and `synchronous_commit`. */
const settings = {
  shared_buffers: "2GB",
  max_wal_size: "8GB",
  max_connections: "500",
};

/** The PostgreSQL that all systems share. */
export interface Server {
  readonly version: string;
  /** Creates a database with the tables of one system, and drops it after `use`. */
  withDatabase<T>(system: System, use: (database: Database) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export interface Database {
  readonly url: string;
  /** A connection for the benchmark itself. */
  readonly sql: Sql;
}

/** Starts a server, or connects to `BENCH_DATABASE_URL` as a superuser. */
export async function startServer(): Promise<Server> {
  const externalUrl = process.env["BENCH_DATABASE_URL"];
  const embedded = externalUrl ? undefined : await startEmbeddedPostgres(settings);
  const url = externalUrl ?? (embedded?.url as string);
  const admin = connect(url);
  const [found] = await admin<{ server_version: string }[]>`show server_version`;
  let databases = 0;
  return {
    version: (found?.server_version ?? "").split(" ")[0] as string,
    async withDatabase(system, use) {
      databases += 1;
      const name = `bench_${process.pid}_${databases}`;
      await admin.unsafe(`create database ${name}`);
      const database = withName(url, name);
      const sql = connect(database);
      try {
        await system.install(database);
        return await use({ url: database, sql });
      } finally {
        await sql.end();
        await waitForDisconnects(admin, name);
        await admin.unsafe(`drop database ${name} with (force)`);
      }
    },
    async stop() {
      await admin.end();
      await embedded?.stop();
    },
  };
}

/** Not every driver waits until its connections are closed, and some end their process when a connection is terminated. */
async function waitForDisconnects(admin: Sql, database: string): Promise<void> {
  for (let polls = 0; polls < 100; polls += 1) {
    const [connection] =
      await admin`select from pg_stat_activity where datname = ${database} and backend_type = 'client backend'`;
    if (!connection) return;
    await sleep(20);
  }
}

function connect(url: string): Sql {
  return postgres(url, { max: 1, prepare: false, onnotice() {}, connection: { application_name: "bench" } });
}

function withName(url: string, database: string): string {
  const named = new URL(url);
  named.pathname = `/${database}`;
  return named.href;
}

/** Finishes the vacuum and checkpoint of a run, so that they do not slow down the next one. */
export async function settleDown(sql: Sql): Promise<void> {
  await sql`vacuum analyze`;
  await sql`checkpoint`;
}
