import { setTimeout as sleep } from "node:timers/promises";
import postgres, { type Sql } from "postgres";
import { startEmbeddedPostgres } from "../test/support/embedded-postgres.ts";
import type { System } from "./systems/system.ts";

/** What PostgreSQL is given on a machine of some 16 GB; all else is its default, `fsync` and `synchronous_commit` too. */
const settings = {
  shared_buffers: "2GB",
  max_wal_size: "8GB",
  max_connections: "500",
};

/** The PostgreSQL that all systems share. */
export interface Server {
  readonly version: string;
  /** A database of a system's own, with its tables, for as long as `use` lasts. */
  withDatabase<T>(system: System, use: (database: Database) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export interface Database {
  readonly url: string;
  /** A connection for the benchmark itself. */
  readonly sql: Sql;
}

/** Starts one, or connects to `BENCH_DATABASE_URL`, a superuser's. */
export async function startServer(): Promise<Server> {
  const given = process.env["BENCH_DATABASE_URL"];
  const embedded = given ? undefined : await startEmbeddedPostgres(settings);
  const url = given ?? (embedded?.url as string);
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
        await othersGone(admin, name);
        await admin.unsafe(`drop database ${name} with (force)`);
      }
    },
    async stop() {
      await admin.end();
      await embedded?.stop();
    },
  };
}

/** Not every driver waits for its last connections to close, and one that is cut off ends its process. */
async function othersGone(admin: Sql, database: string): Promise<void> {
  for (let looks = 0; looks < 100; looks += 1) {
    const [some] =
      await admin`select from pg_stat_activity where datname = ${database} and backend_type = 'client backend'`;
    if (!some) return;
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

/** What a run leaves behind must not be worked off during the next one. */
export async function settleDown(sql: Sql): Promise<void> {
  await sql`vacuum analyze`;
  await sql`checkpoint`;
}
