// `migrate`: each migration once, however many processes come at the same time, and all or none.
import { readdirSync } from "node:fs";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { checkTables } from "../../src/database/check-tables.ts";
import { migrate, MigrationError } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";

const everything = readdirSync(new URL("../../migrations", import.meta.url))
  .filter((file) => file.endsWith(".sql"))
  .map((file) => file.replace(/\.sql$/, ""))
  .toSorted();
const unmigrated = () => testDatabase({ migrated: false });

async function tables(sql: Sql): Promise<string[]> {
  const rows =
    await sql`select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`;
  return rows.map(({ relname }) => relname as string);
}

test.each(["read committed", "repeatable read"])(
  "eight that migrate at once apply each migration once, where transactions are %s by default",
  async (isolation) => {
    const { url, sql } = await unmigrated();
    await sql.unsafe(
      `alter database ${new URL(url).pathname.slice(1)} set default_transaction_isolation to '${isolation}'`,
    );
    const clients = Array.from({ length: 8 }, () => postgres(url, { max: 1, onnotice: () => {} }));
    onTestFinished(async () => void (await Promise.all(clients.map((client) => client.end()))));
    const applied = await Promise.all(clients.map((client) => migrate(drizzle({ client }))));
    expect(applied.filter(({ length }) => length > 0)).toEqual([everything]);
    expect(await sql`select name from soniq_migrations order by name`).toEqual(everything.map((name) => ({ name })));
    await expect(checkTables(drizzle({ client: sql }))).resolves.toBeUndefined();
  },
);

test("whoever migrates again applies nothing", async () => {
  const { db } = await unmigrated();
  expect(await migrate(db)).toEqual(everything);
  expect(await migrate(db)).toEqual([]);
});

test("tables of an older version get what they lack, and no more", async () => {
  const { db, sql } = await unmigrated();
  await migrate(db);
  await sql`delete from soniq_migrations where name = '0001_storage'`;
  expect(await migrate(db)).toEqual(["0001_storage"]);
});

test("in a transaction that rolls back, nothing is migrated", async () => {
  const { db, sql } = await unmigrated();
  const failing = db.transaction(async (tx) => {
    await migrate(tx);
    throw new Error("on second thoughts");
  });
  await expect(failing).rejects.toThrow("on second thoughts");
  expect(await tables(sql)).toEqual([]);
});

test("tables that other migrations made are refused in one sentence", async () => {
  const { db, sql } = await unmigrated();
  await sql`create table soniq_jobs (id bigint)`;
  const refused = migrate(db);
  await expect(refused).rejects.toBeInstanceOf(MigrationError);
  await expect(refused).rejects.toThrow(
    "the job tables already exist, created by other migrations: if your schema exports soniq-drizzle/schema, migrate with drizzle-kit alone",
  );
  expect(await tables(sql)).toEqual(["soniq_jobs"]);
});

test("a migration that fails half-way leaves nothing, and succeeds when what was in its way is gone", async () => {
  const { db, sql } = await unmigrated();
  await sql`create table soniq_workers (mine int)`;
  await expect(migrate(db)).rejects.toMatchObject({ cause: { message: 'relation "soniq_workers" already exists' } });
  expect(await tables(sql)).toEqual(["soniq_workers"]);
  await sql`drop table soniq_workers`;
  expect(await migrate(db)).toEqual(everything);
});

test("the tables go where the connection's search path says", async () => {
  const { url, sql } = await unmigrated();
  await sql`create schema jobs`;
  const client = postgres(url, { max: 1, onnotice: () => {}, connection: { search_path: "jobs" } });
  onTestFinished(() => client.end());
  expect(await migrate(drizzle({ client }))).toEqual(everything);
  await checkTables(drizzle({ client }));
  expect(await tables(sql)).toEqual([]);
});
