// A database that is behind the code is said in one sentence that tells what to do; other errors stay what they are.
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { checkTables } from "../../src/database/check-tables.ts";
import { findErrorCode } from "../../src/core/errors.ts";
import {
  cancelJob,
  ConfigError,
  createWorker,
  defineJob,
  enqueue,
  enqueueMany,
  migrate,
  MigrationError,
} from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";

const { db, url } = await testDatabase();
const empty = await testDatabase({ migrated: false });
const mail = defineJob({ name: "mail", payload: v.null() });
const howTo =
  "migrate the database before you deploy, with `npx drizzle-kit generate` and `npx drizzle-kit migrate` if your schema exports soniq-drizzle/schema, else with `npx soniq-drizzle migrate`";

/** Changes the tables for the rest of one test. */
async function given(change: string): Promise<void> {
  await db.execute(sql.raw(change));
}

beforeEach(async () => {
  await db.execute(sql`drop schema public cascade`);
  await db.execute(sql`create schema public`);
  await migrate(db);
});

/** The message of the MigrationError that it must reject with. */
async function migrationError(failing: Promise<unknown>): Promise<string> {
  const error: unknown = await failing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MigrationError);
  return (error as Error).message;
}

describe("a worker that starts", () => {
  test("finds the tables of its version good", async () => {
    await expect(checkTables(db)).resolves.toBeUndefined();
  });

  test("takes no offence at tables and columns of a newer one", async () => {
    await given("alter table soniq_jobs add column newer text");
    await given("create table soniq_newer (id int)");
    await expect(checkTables(db)).resolves.toBeUndefined();
  });

  test("names the table that is missing", async () => {
    await given("drop table soniq_queues");
    expect(await migrationError(checkTables(db))).toBe(`the table soniq_queues is missing: ${howTo}`);
  });

  test("names the column that is missing", async () => {
    await given("alter table soniq_jobs drop column unknown_since");
    expect(await migrationError(checkTables(db))).toBe(
      `the column soniq_jobs.unknown_since is missing, the tables are older than this version: ${howTo}`,
    );
  });

  test("says so before it works", async () => {
    const worker = createWorker({ connection: empty.url, jobs: { mail }, handlers: { mail: () => {} } });
    expect(await migrationError(worker.start())).toBe(`the table soniq_audit is missing: ${howTo}`);
    await worker.stop();
  });
});

describe("enqueue and its like", () => {
  test("say that the tables are missing", async () => {
    const message = `relation "soniq_jobs" does not exist: ${howTo}`;
    expect(await migrationError(enqueue(empty.db, mail, null))).toBe(message);
    expect(await migrationError(enqueue(empty.db, mail, null, { delay: "1m" }))).toBe(message);
    expect(await migrationError(enqueueMany(empty.db, mail, [null, null]))).toBe(message);
    expect(await migrationError(cancelJob(empty.db, 1))).toBe(message);
  });

  test("say that the tables are older than the code", async () => {
    await given("alter table soniq_jobs drop column meta");
    const message = `column "meta" of relation "soniq_jobs" does not exist: ${howTo}`;
    expect(await migrationError(enqueue(db, mail, null))).toBe(message);
    expect(await migrationError(enqueue(db, mail, null, { delay: "1m" }))).toBe(message);
    expect(await migrationError(enqueueMany(db, mail, [null]))).toBe(message);
  });

  test("say so for the workers' table, too, which rings the bell", async () => {
    await given("drop table soniq_workers");
    expect(await migrationError(enqueueMany(db, mail, [null]))).toBe(
      `relation "soniq_workers" does not exist: ${howTo}`,
    );
  });

  test("keep the cause", async () => {
    const error: unknown = await enqueue(empty.db, mail, null).catch((thrown: unknown) => thrown);
    expect(findErrorCode((error as Error).cause)).toBe("42P01");
  });
});

describe("other errors are not swallowed:", () => {
  test("another table that a trigger of one's own misses", async () => {
    await given(
      "create function note() returns trigger language plpgsql as 'begin insert into audit values (1); return new; end'",
    );
    await given("create trigger note before insert on soniq_jobs for each row execute function note()");
    await expect(enqueue(db, mail, null)).rejects.toMatchObject({
      name: "Error",
      cause: { code: "42P01", message: 'relation "audit" does not exist' },
    });
  });

  test("a right that the role lacks", async () => {
    const failing = db.transaction(async (tx) => {
      await tx.execute(sql`set local role pg_read_all_data`);
      await enqueue(tx, mail, null);
    });
    await expect(failing).rejects.toMatchObject({ cause: { message: "permission denied for table soniq_jobs" } });
  });

  test("a database that cannot be reached", async () => {
    const nowhere = new URL(url);
    nowhere.port = "1";
    const client = postgres(nowhere.href, { connect_timeout: 5 });
    onTestFinished(() => client.end());
    const error: unknown = await enqueue(drizzle({ client }), mail, null).catch((thrown: unknown) => thrown);
    expect(findErrorCode(error)).toBe("ECONNREFUSED");
    expect(error).not.toBeInstanceOf(MigrationError);
  });
});

describe("row level security", () => {
  const role = "soniq_row_security";
  beforeEach(async () => {
    await given(`drop role if exists ${role}`);
    await given(`create role ${role} login password 'row'`);
    await given(`grant usage on schema public to ${role}`);
    await given(`grant select, insert, update, delete on all tables in schema public to ${role}`);
  });
  afterEach(async () => {
    await given(`drop owned by ${role}`);
    await given(`drop role ${role}`);
  });

  /** What the check says to that role. */
  async function checked(): Promise<unknown> {
    const as = new URL(url);
    as.username = role;
    as.password = "row";
    const client = postgres(as.href, { max: 1, onnotice: () => {} });
    const error: unknown = await checkTables(drizzle({ client })).catch((thrown: unknown) => thrown);
    await client.end();
    return error;
  }

  test.each(["soniq_jobs", "soniq_queues", "soniq_stats"])(
    "that hides rows of %s is an error that names it",
    async (table) => {
      await given(`alter table ${table} enable row level security`);
      const error = await checked();
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as Error).message).toMatch(
        new RegExp(`^row level security may hide rows of ${table} from the role "${role}", .*alter role … bypassrls`),
      );
    },
  );

  test("that hides nothing from the role is none", async () => {
    await given("alter table soniq_jobs enable row level security");
    await expect(checkTables(db)).resolves.toBeUndefined();
    await given(`create policy all_rows on soniq_jobs for all to ${role} using (true) with check (true)`);
    expect(await checked()).toBeUndefined();
    await given(`create policy some_rows on soniq_jobs as restrictive for select to public using (queue = 'own')`);
    expect(await checked()).toBeInstanceOf(ConfigError);
  });
});
