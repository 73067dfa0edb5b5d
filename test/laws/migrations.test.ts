// The schema is the one source of truth: the migrations that we ship say the same.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transform } from "esbuild";
import type { Sql } from "postgres";
import * as v from "valibot";
import { afterAll, expect, test } from "vitest";
import { checkTables } from "../../src/database/check-tables.ts";
import { migrations } from "../../src/database/migrations.ts";
import { defineJob } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { startWorker } from "../support/worker.ts";
import { root } from "./source-files.ts";

const migrated = await testDatabase();
const generated = await testDatabase({ migrated: false });

const home = mkdtempSync(join(tmpdir(), "soniq-migrations-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A copy of what drizzle-kit reads, so that it writes nothing into the repository. */
function copyOfTheSchema(name: string, { withMigrations }: { withMigrations: boolean }): string {
  const copy = join(home, name);
  mkdirSync(copy);
  const parts = ["package.json", "drizzle.config.ts", "schema", ...(withMigrations ? ["migrations"] : [])];
  for (const part of parts) cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

const generate = (folder: string) => kit(folder, "generate");

function kit(folder: string, ...args: string[]): string {
  return execFileSync(process.execPath, [join(root, "node_modules/drizzle-kit/bin.cjs"), ...args], {
    cwd: folder,
    encoding: "utf8",
  });
}

const files = (folder: string) =>
  readdirSync(join(folder, "migrations"), { recursive: true, encoding: "utf8" }).toSorted();

test("drizzle-kit finds nothing in the schema that the migrations do not say", () => {
  const copy = copyOfTheSchema("same", { withMigrations: true });
  expect(generate(copy)).toContain("No schema changes, nothing to migrate");
  expect(files(copy)).toEqual(files(root));
});

test("every migration is in drizzle-kit's journal, in order", () => {
  const journal = JSON.parse(readFileSync(join(root, "migrations/meta/_journal.json"), "utf8")) as {
    entries: { tag: string }[];
  };
  const names = readdirSync(join(root, "migrations")).filter((file) => file.endsWith(".sql"));
  expect(names.toSorted()).toEqual(journal.entries.map(({ tag }) => `${tag}.sql`));
});

test("what the migrator applies is what is in migrations/: `npm run build` brings it up to date", () => {
  const scripts = readdirSync(join(root, "migrations")).filter((file) => file.endsWith(".sql"));
  const read = (file: string) => readFileSync(join(root, "migrations", file), "utf8");
  expect(Object.entries(migrations)).toEqual(
    scripts.toSorted().map((file) => [file.replace(/\.sql$/, ""), read(file)]),
  );
});

test("our migrator makes the tables that drizzle-kit would make", async () => {
  const copy = copyOfTheSchema("fresh", { withMigrations: false });
  generate(copy);
  const scripts = files(copy).filter((file) => file.endsWith(".sql"));
  expect(scripts).toHaveLength(1);
  await generated.sql.unsafe(readFileSync(join(copy, "migrations", scripts[0] as string), "utf8"));
  expect(await catalogue(migrated.sql)).toEqual(await catalogue(generated.sql));
});

test("drizzle-kit pull writes them as a schema that parses", async () => {
  const folder = join(home, "pulled");
  mkdirSync(folder);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  kit(folder, "pull", "--dialect", "postgresql", "--out", ".", "--url", migrated.url);
  const pulled = readFileSync(join(folder, "schema.ts"), "utf8");
  await expect(transform(pulled, { loader: "ts" })).resolves.toBeDefined();
  expect(pulled.match(/pgTable\("soniq_\w+"/g)).toHaveLength(8);
});

test("the check at a worker's start is content with them", async () => {
  await expect(checkTables(migrated.db)).resolves.toBeUndefined();
});

test("every column of the jobs but name and payload has a default", async () => {
  const columns = await migrated.sql<{ name: string }[]>`
    select column_name as name from information_schema.columns
    where table_name = 'soniq_jobs' and column_default is null and is_nullable = 'NO' and is_identity = 'NO'
    order by column_name`;
  expect(columns.map(({ name }) => name)).toEqual(["name", "payload"]);
});

test("so any language enqueues with a plain insert of those two, and a worker runs the job", async () => {
  const payloads: unknown[] = [];
  const greet = defineJob({ name: "greet", payload: v.object({ who: v.string() }), result: v.string() });
  const { settled } = await startWorker({
    connection: migrated.url,
    jobs: { greet },
    handlers: {
      greet: (payload: unknown) => {
        payloads.push(payload);
        return "done";
      },
    },
  });
  const [job] = await migrated.sql<[{ id: number }]>`
    insert into soniq_jobs (name, payload) values ('greet', '{"who": "world"}') returning id::int`;
  expect((await settled(job.id)).state).toBe("completed");
  expect(payloads).toEqual([{ who: "world" }]);
});

/** Columns, indexes, constraints and sequences of our tables, as PostgreSQL itself describes them. */
async function catalogue(sql: Sql): Promise<unknown> {
  const columns = await sql`
    select table_name, column_name, data_type, is_nullable, column_default, identity_generation, is_generated
    from information_schema.columns where table_name like 'soniq\\_%' and table_name <> 'soniq_migrations'
    order by table_name, column_name`;
  const indexes = await sql`
    select indexdef from pg_indexes where tablename like 'soniq\\_%' and tablename <> 'soniq_migrations' order by indexname`;
  const constraints = await sql`
    select conrelid::regclass::text as table_name, conname, pg_get_constraintdef(oid) as definition from pg_constraint
    where conrelid::regclass::text like 'soniq\\_%' and conrelid::regclass::text <> 'soniq_migrations' order by 1, 2`;
  const sequences = await sql`
    select sequencename, data_type::text, start_value, min_value, max_value, increment_by, cycle, cache_size from pg_sequences order by 1`;
  return { columns: [...columns], indexes: [...indexes], constraints: [...constraints], sequences: [...sequences] };
}
