// `npx soniq-drizzle` as it is installed: what it says of itself, and one readable sentence for what cannot work.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { type Ended, freshProject, pack, run, succeed, temporaryFolder } from "./fresh-project.ts";

const folder = temporaryFolder();
const empty = await testDatabase({ migrated: false });
const ready = await testDatabase();
const older = await testDatabase();
const withoutTables = await testDatabase({ migrated: false });
const password = new URL(ready.url).password;

let project: string;
beforeAll(async () => {
  project = await freshProject(folder, await pack(folder), { orm: "0.45.4" });
  await older.sql`alter table soniq_jobs drop column unknown_since`;
});

const soniq = (...args: string[]) => ["npx", "soniq-drizzle", ...args];
const DATABASE_URL = ready.url;

/** What it said of its failure. Whatever it was: one line, nothing of our insides, no password. */
function sentence({ status, stdout, stderr }: Ended, ...secrets: string[]): string {
  expect(status).toBe(1);
  expect(stderr).toMatch(/^soniq-drizzle: [^\n]+\n$/);
  expect(stderr).not.toMatch(/\bat .*:\d+:\d+\)?$|node_modules/m);
  for (const secret of [password, ...secrets]) expect(stdout + stderr).not.toContain(secret);
  return stderr;
}

const work = (environment: Record<string, string>, ...args: string[]) =>
  run(project, soniq("work", "--drain", "--wait", "0s", ...args), environment);

const withConfig = (name: string, text: string) => {
  writeFileSync(join(project, name), text);
  return work({ DATABASE_URL }, "--config", name);
};
const withUrl = (change: (url: URL) => void) => {
  const url = new URL(ready.url);
  change(url);
  return work({ DATABASE_URL: url.href });
};

describe("it says", () => {
  test("its version", async () => {
    const { version } = JSON.parse(readFileSync(join(project, "node_modules/soniq-drizzle/package.json"), "utf8")) as {
      version: string;
    };
    expect((await succeed(project, soniq("--version"))).trim()).toBe(version);
  });

  test("its commands", async () => {
    const help = await succeed(project, soniq("--help"));
    expect(help).toMatch(/^Usage: soniq-drizzle/);
    expect([...help.matchAll(/^ {2}(\w+)(?: \[\w+\])* {2,}/gm)].map(([, name]) => name)).toEqual([
      "work",
      "migrate",
      "help",
    ]);
  });

  test("what a worker can be told", async () => {
    const help = await succeed(project, soniq("work", "--help"));
    const flags = [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag);
    expect(flags).toEqual(["--config", "--queues", "--concurrency", "--drain", "--wait", "--max-duration", "--help"]);
    expect(help).toContain("SIGTERM");
  });
});

test("it makes the tables of a database that has none, once", async () => {
  const environment = { DATABASE_URL: empty.url };
  expect(await succeed(project, soniq("migrate"), environment)).toMatch(/: applied 0000_soniq\b/);
  expect(await succeed(project, soniq("migrate"), environment)).toMatch(/: the job tables are up to date\n$/);
  const drained = await run(project, soniq("work", "--drain", "--wait", "0s"), environment);
  expect(drained).toMatchObject({ status: 0, stderr: "" });
});

test("its log is one JSON object per line where nobody looks at a terminal, and hides the password", async () => {
  await ready.sql`insert into soniq_jobs (name, queue, payload) values ('send-invoice', 'billing', '{"orderId": 1, "driver": "plain SQL"}')`;
  const { stdout } = await run(project, soniq("work", "--drain", "--wait", "2s"), { DATABASE_URL });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { job?: string; state?: string; msg: string });
  expect(lines).toContainEqual(expect.objectContaining({ job: "send-invoice", state: "completed" }));
  expect(lines.at(-1)?.msg).toBe("drained");
  expect(stdout).not.toContain(password);
});

describe("it ends with status 1 and one sentence", () => {
  test("where there is no configuration", async () => {
    const elsewhere = join(project, "elsewhere");
    mkdirSync(elsewhere);
    const said = sentence(await run(elsewhere, soniq("work")));
    expect(said).toMatch(
      /there is no soniq\.config\.ts in .*elsewhere: create one .* or name another file with --config/,
    );
    expect(sentence(await work({ DATABASE_URL }, "--config", "lost.ts"))).toMatch(
      /there is no file .*lost\.ts: check --config/,
    );
  });

  test("for a configuration that does not parse", async () => {
    const said = sentence(await withConfig("broken.config.ts", "export default {\n  connection: ;\n};\n"));
    expect(said).toMatch(/broken\.config\.ts cannot be loaded: .*broken\.config\.ts:2:\d+/);
  });

  test("for a configuration that imports what is not there", async () => {
    const said = sentence(await withConfig("lost.config.ts", 'import "./lost.js";\nexport default {};\n'));
    expect(said).toMatch(/lost\.config\.ts cannot be loaded: .*lost\.js/);
  });

  test("for a configuration that throws", async () => {
    const said = sentence(await withConfig("throws.config.ts", 'throw new Error("MAIL_KEY is not set");\n'));
    expect(said).toMatch(/throws\.config\.ts cannot be loaded: .*MAIL_KEY is not set/);
  });

  test("for a configuration without a default export, or without a connection", async () => {
    const nothing = sentence(await withConfig("nothing.config.ts", "export const config = {};\n"));
    expect(nothing).toMatch(/nothing\.config\.ts has no default export/);
    expect(sentence(await work({}))).toMatch(/connection is not set: .*DATABASE_URL/);
  });

  test("where PostgreSQL cannot be reached", async () => {
    const nobodyThere = await withUrl((url) => {
      url.port = "1";
      url.password = "hunter2";
    });
    expect(sentence(nobodyThere, "hunter2")).toMatch(
      /cannot reach PostgreSQL .*: is it running, and is `connection` right\?/,
    );
  });

  test("where PostgreSQL refuses the password", async () => {
    const refused = await withUrl((url) => (url.password = "hunter2"));
    expect(sentence(refused, "hunter2")).toMatch(/refuses the login .*: check user and password in `connection`/);
  });

  test("where there is no such database", async () => {
    const missing = await withUrl((url) => (url.pathname = "/nowhere"));
    expect(sentence(missing)).toMatch(/database "nowhere" does not exist: create it/);
  });

  test("where the tables are missing, or older than this version", async () => {
    const { url } = withoutTables;
    expect(sentence(await work({ DATABASE_URL: url }))).toMatch(
      /the table soniq_jobs is missing: .*npx soniq-drizzle migrate/,
    );
    const said = sentence(await work({ DATABASE_URL: older.url }));
    expect(said).toMatch(
      /the column soniq_jobs\.unknown_since is missing, .* older than this version: .*npx drizzle-kit migrate/,
    );
  });

  test("for a queue that is not configured", async () => {
    const said = sentence(await work({ DATABASE_URL }, "--queues", "mails"));
    expect(said).toMatch(/queue "mails" is not configured: there are default, billing/);
  });
});
