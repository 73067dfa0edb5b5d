// The packed package in a new project: with both Drizzle majors, on two drivers, in modules of both kinds.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { freshProject, inCommonJs, pack, run, succeed, temporaryFolder } from "./fresh-project.ts";

const folder = temporaryFolder();
const tarball = pack(folder);

/** Each with a project of its own: installed at the same time, since npm mostly waits. */
const majors = await Promise.all(
  [
    { orm: "0.45.4", kit: "0.31.11" },
    { orm: "1.0.0-rc.5", kit: "1.0.0-rc.5" },
  ].map(async (versions) => ({
    ...versions,
    database: await testDatabase({ migrated: false }),
    commonJsDatabase: await testDatabase({ migrated: false }),
    installing: tarball.then((file) => freshProject(folder, file, versions)),
  })),
);

const kit = (command: string) => ["npx", "drizzle-kit", command];
const work = (...args: string[]) => ["npx", "soniq-drizzle", "work", "--drain", "--wait", "2s", ...args];
const placeOrders = ["npx", "tsx", "place-orders.ts"];

/** Every order with what became of its job. */
const orders = ({ sql }: TestDatabase) => sql`
  select driver, state, result from orders join soniq_jobs on soniq_jobs.id = invoice_job_id order by orders.id`;

// The majors side by side, each one step after the other.
describe.concurrent.each(majors)("with drizzle-orm $orm", ({ installing, database, commonJsDatabase }) => {
  const environment = { DATABASE_URL: database.url };
  let project: string;
  beforeAll(async () => {
    project = await installing;
  });

  const migrations = () =>
    readdirSync(join(project, "migrations"), { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".sql"),
    );

  test.sequential("drizzle-kit generates one migration of the project's tables and ours", async () => {
    await succeed(project, kit("generate"));
    expect(migrations()).toHaveLength(1);
    const script = readFileSync(join(project, "migrations", migrations()[0] as string), "utf8");
    const tables = [...script.matchAll(/CREATE TABLE "(\w+)"/g)].map(([, table]) => table);
    const ours =
      "soniq_audit soniq_jobs soniq_queues soniq_schedules soniq_stats soniq_webhook_endpoints soniq_workers";
    expect(tables.toSorted().join(" ")).toBe(`jobs orders ${ours}`);
    expect(await succeed(project, kit("generate"))).toContain("No schema changes");
  });

  test.sequential("drizzle-kit applies it, and then finds nothing more to do", async () => {
    await succeed(project, kit("migrate"), environment);
    expect(await succeed(project, kit("generate"))).toContain("No schema changes");
    expect(migrations()).toHaveLength(1);
  });

  test.sequential("drizzle-kit push finds the tables as they should be", async () => {
    const said = await succeed(project, [...kit("push"), "--verbose"], environment);
    const changes = said.split("\n").filter((line) => /^\s*(ALTER|CREATE|DROP) /.test(line));
    // drizzle-kit 0.31 reads the columns of a key of several in any order, and makes such a key again each time.
    expect(changes.filter((line) => !line.includes(' CONSTRAINT "soniq_stats_pkey"'))).toEqual([]);
  });

  test.sequential("the project compiles, with every check that a project may have", async () => {
    const tsc = ["npx", "tsc", "--erasableSyntaxOnly"];
    expect(await run(project, tsc)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test.sequential("so it does with the oldest compiler that docs/get-started.md names", async () => {
    const tsc = ["node", "node_modules/typescript-5.7/bin/tsc"];
    expect(await run(project, tsc)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test.sequential("our own declarations compile too, and name no type of Drizzle's", async () => {
    const tsc = ["npx", "tsc", "--project", "tsconfig.declarations.json"];
    expect(await run(project, tsc)).toEqual({ status: 0, stdout: "", stderr: "" });
    const read = await succeed(project, [...tsc, "--listFilesOnly"]);
    expect(read).toContain("soniq-drizzle/dist/src/index.d.ts");
    expect(read).not.toContain("drizzle-orm");
  });

  test.sequential("orders placed on either driver have a job each, those that were rolled back none", async () => {
    expect(await succeed(project, placeOrders, environment)).toBe(
      "node-postgres: queued, due now\npostgres.js: queued, due now\nrefused\n",
    );
    const jobs = await database.sql`select payload ->> 'driver' as driver, state from soniq_jobs order by id`;
    expect([...jobs]).toEqual([
      { driver: "node-postgres", state: "queued" },
      { driver: "postgres.js", state: "queued" },
    ]);
  });

  test.sequential("npx soniq-drizzle work runs them, as its TypeScript configuration says", async () => {
    await succeed(project, work(), environment);
    expect([...(await orders(database))]).toEqual([
      { driver: "node-postgres", state: "completed", result: { messageId: "node-postgres 1" } },
      { driver: "postgres.js", state: "completed", result: { messageId: "postgres.js 3" } },
    ]);
  });

  test.sequential("a configuration may import by the paths of its own tsconfig, started from anywhere", async () => {
    await database.sql`insert into soniq_jobs (name, queue, payload) values ('send-invoice', 'billing', '{"orderId": 5, "driver": "plain SQL"}')`;
    const installed = join(project, "node_modules/.bin/soniq-drizzle");
    const config = join(project, "aliases.config.ts");
    await succeed(folder, [installed, "work", "--drain", "--wait", "2s", "--config", config], environment);
    const [last] = await database.sql`select state, result from soniq_jobs order by id desc limit 1`;
    expect(last).toEqual({ state: "completed", result: { messageId: "plain SQL 5, by aliases" } });
  });

  test.sequential("all of it works in a project of CommonJS modules", async () => {
    const commonJs = inCommonJs(project);
    const there = { DATABASE_URL: commonJsDatabase.url };
    expect(await run(commonJs, ["npx", "tsc"])).toEqual({ status: 0, stdout: "", stderr: "" });
    await succeed(commonJs, kit("generate"));
    await succeed(commonJs, kit("migrate"), there);
    await succeed(commonJs, placeOrders, there);
    await succeed(commonJs, work(), there);
    expect([...(await orders(commonJsDatabase))]).toEqual([
      { driver: "node-postgres", state: "completed", result: { messageId: "node-postgres 1" } },
      { driver: "postgres.js", state: "completed", result: { messageId: "postgres.js 3" } },
    ]);
  });
});
