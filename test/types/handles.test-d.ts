// Which Drizzle handles `enqueue` and its like take: those of every PostgreSQL driver, and no others.
import type { PGlite } from "@electric-sql/pglite";
import { neon, Pool as NeonPool } from "@neondatabase/serverless";
import type { drizzle as overMysqlProxy } from "drizzle-orm/mysql-proxy";
import { drizzle as overNeonHttp } from "drizzle-orm/neon-http";
import { drizzle as overNeon } from "drizzle-orm/neon-serverless";
import { drizzle as overPg } from "drizzle-orm/node-postgres";
import { withReplicas } from "drizzle-orm/pg-core";
import { drizzle as overPgProxy } from "drizzle-orm/pg-proxy";
import { drizzle as overPglite } from "drizzle-orm/pglite";
import { drizzle as overPostgres, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { drizzle as overSqliteProxy } from "drizzle-orm/sqlite-proxy";
import type { Pool } from "pg";
import type { Sql } from "postgres";
import { cancelJob, enqueue, enqueueMany, migrate, type Queryable } from "../../src/index.ts";
import { discardJob, listWorkers, runJobNow } from "../../src/admin.ts";
import { greet } from "./jobs.ts";

declare const postgresClient: Sql;
declare const pgPool: Pool;
declare const pglite: PGlite;
const proxy = async () => ({ rows: [] });

const postgresDb = overPostgres({ client: postgresClient });
const pgDb = overPg({ client: pgPool });
const pgliteDb = overPglite({ client: pglite });
const neonDb = overNeon({ client: new NeonPool() });
const neonHttpDb = overNeonHttp({ client: neon("postgres://app@localhost/shop") });
const proxyDb = overPgProxy(proxy);

// Each driver's database.
await enqueue(postgresDb, greet, { id: 1 });
await enqueue(pgDb, greet, { id: 1 });
await enqueue(pgliteDb, greet, { id: 1 });
await enqueue(neonDb, greet, { id: 1 });
await enqueue(neonHttpDb, greet, { id: 1 });
await enqueue(proxyDb, greet, { id: 1 });

// Each driver's transaction, and the savepoint inside it; the result of the callback comes through.
const { id }: { id: number } = await postgresDb.transaction(async (tx) => {
  await tx.transaction((savepoint) => enqueueMany(savepoint, greet, [{ id: 1 }]));
  return enqueue(tx, greet, { id: 1 });
});
await pgDb.transaction((tx) => tx.transaction((savepoint) => enqueue(savepoint, greet, { id: 1 })));
await pgliteDb.transaction((tx) => tx.transaction((savepoint) => enqueue(savepoint, greet, { id: 1 })));
await neonDb.transaction((tx) => tx.transaction((savepoint) => enqueue(savepoint, greet, { id: 1 })));
await proxyDb.transaction((tx) => enqueue(tx, greet, { id: 1 }));

// One with read replicas, and its transaction.
const replicated = withReplicas(postgresDb, [overPostgres({ client: postgresClient })]);
await enqueue(replicated, greet, { id: 1 });
await replicated.transaction((tx) => enqueue(tx, greet, { id: 1 }));

// A parameter typed by its driver's class, by its callback's argument, or as our own `Queryable`.
type Transaction = Parameters<Parameters<typeof postgresDb.transaction>[0]>[0];
export const byClass = (db: PostgresJsDatabase) => enqueue(db, greet, { id });
export const byTransaction = (tx: Transaction) => enqueue(tx, greet, { id });
export const byEither = (db: typeof postgresDb | Transaction) => enqueue(db, greet, { id });
export const byOurs = (db: Queryable) => enqueue(db, greet, { id });

// The other verbs take the same.
await cancelJob(neonDb, id);
await cancelJob(neonDb, await enqueue(neonDb, greet, { id: 1 }));
await runJobNow(pgDb, await enqueue(pgDb, greet, { id: 1 }, { delay: "1h" }));
await pgDb.transaction((tx) => discardJob(tx, id, "the order was withdrawn"));
await listWorkers(pgliteDb);
// @ts-expect-error a text for an id
await cancelJob(neonDb, "1");
await pgDb.transaction((tx) => cancelJob(tx, id, "the order was withdrawn"));
await migrate(pgliteDb);

// Other databases' handles lack what our statements need.
declare const mysqlDb: ReturnType<typeof overMysqlProxy>;
declare const sqliteDb: ReturnType<typeof overSqliteProxy>;
// @ts-expect-error MySQL
await enqueue(mysqlDb, greet, { id: 1 });
// @ts-expect-error SQLite
await enqueue(sqliteDb, greet, { id: 1 });
// @ts-expect-error a transaction on MySQL
await mysqlDb.transaction((tx) => enqueue(tx, greet, { id: 1 }));
// @ts-expect-error a transaction on SQLite
await sqliteDb.transaction((tx) => enqueueMany(tx, greet, [{ id: 1 }]));
// @ts-expect-error a driver without Drizzle
await enqueue(postgresClient, greet, { id: 1 });
// @ts-expect-error a driver without Drizzle
await enqueue(pgPool, greet, { id: 1 });
// @ts-expect-error a promise of a database
await enqueue(Promise.resolve(postgresDb), greet, { id: 1 });
// @ts-expect-error nothing
await enqueue(undefined, greet, { id: 1 });
