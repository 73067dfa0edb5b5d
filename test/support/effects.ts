import { drizzle as overNodePostgres } from "drizzle-orm/node-postgres";
import { integer, pgTable } from "drizzle-orm/pg-core";
import { drizzle as overPostgresJs, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { Sql } from "postgres";
import { postgresJs, type TransactionDriver, type TransactionOf } from "../../src/index.ts";
import { nodePostgres } from "../../src/database/node-postgres.ts";

/** What jobs write when they run. */
export const effects = pgTable("effects", { n: integer("n").notNull() });

export const createEffects = (sql: Sql) => sql`create table effects (n int not null)`;

/** What was committed, in order. */
export async function effectsIn(sql: Sql): Promise<number[]> {
  const rows = await sql<{ n: number }[]>`select n from effects order by n`;
  return rows.map(({ n }) => n);
}

type Transaction = TransactionOf<PostgresJsDatabase<{ effects: typeof effects }>>;

const schema = { effects };

/** The drivers that handlers may have. What the tests write is the same in each. */
export const drivers: readonly (readonly [string, TransactionDriver<Transaction>])[] = [
  ["postgres.js", postgresJs((client) => overPostgresJs({ client, schema }))],
  [
    "node-postgres",
    nodePostgres((pool) => overNodePostgres({ client: pool, schema })) as unknown as TransactionDriver<Transaction>,
  ],
];
