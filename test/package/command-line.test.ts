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
function sentence({ status, stdout, stderr }: Ended, expected: number, ...secrets: string[]): string {
  expect(status).toBe(expected);
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
    expect([...help.matchAll(/^ {2}(\w+)(?: [[<]\w+[\]>])* {2,}/gm)].map(([, name]) => name)).toEqual([
      "work",
      "migrate",
      "status",
      "dashboard",
      "enqueue",
      "jobs",
      "dead",
      "queues",
      "workers",
      "schedules",
      "webhooks",
      "help",
    ]);
  });

  test("what a worker can be told", async () => {
    const help = await succeed(project, soniq("work", "--help"));
    const flags = [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag);
    expect(flags).toEqual([
      "--config",
      "--queues",
      "--concurrency",
      "--drain",
      "--wait",
      "--max-duration",
      "--health-port",
      "--health-host",
      "--metrics-port",
      "--metrics-host",
      "--allow-host",
      "--help",
    ]);
    expect(help).toContain("SIGTERM");
    const statuses = help.slice(help.indexOf("Exit status:"));
    expect([...statuses.matchAll(/^ {2}(\d) {2}\S/gm)].map(([, status]) => Number(status))).toEqual([0, 1, 2, 3, 4]);
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

test("a drain that is cut short says so, with status 3", async () => {
  await ready.sql`insert into soniq_jobs (name, queue, payload, run_at)
    values ('send-invoice', 'billing', '{"orderId": 2, "driver": "none"}', now() + interval '1 hour')`;
  const { status, stdout } = await run(project, soniq("work", "--drain", "--wait", "2h", "--max-duration", "100ms"), {
    DATABASE_URL,
  });
  expect(stdout).toContain("stopped before the queues were drained: jobs may be left");
  expect(stdout).not.toContain('"drained"');
  expect(status).toBe(3);
  await ready.sql`delete from soniq_jobs where state = 'queued'`;
});

test("an error that no handler catches ends it with status 4, and names the error", async () => {
  const name = "careless.config.ts";
  writeFileSync(
    join(project, name),
    `import { defineConfig } from "soniq-drizzle";
import * as jobs from "./jobs.js";
export default defineConfig({
  connection: process.env["DATABASE_URL"],
  jobs,
  handlers: { sendInvoice: async () => { void Promise.reject(new Error("left behind")); await new Promise(() => {}); return { messageId: "" }; } },
});
`,
  );
  await ready.sql`insert into soniq_jobs (name, queue, payload) values ('send-invoice', 'billing', '{"orderId": 3, "driver": "none"}')`;
  const { status, stderr } = await run(project, soniq("work", "--config", name), { DATABASE_URL });
  expect(stderr).toMatch(/^soniq-drizzle: uncaught error, so this worker stops: Error: left behind\n/);
  expect(stderr).toMatch(/careless\.config\.ts:6/);
  expect(status).toBe(4);
  const [job] = await ready.sql`delete from soniq_jobs where state = 'queued' returning attempt, crashes`;
  expect(job).toEqual({ attempt: 0, crashes: 1 });
});

describe("a command line that cannot be meant is status 2, and says what is wrong", () => {
  test.each([
    ["an option that does not exist", ["work", "--fast"], /unknown option '--fast'/],
    ["a command that does not exist", ["play"], /unknown command 'play'/],
    ["no command", [], /^Usage: soniq-drizzle/],
    ["a duration that is none", ["work", "--wait", "soon"], /'soon' is invalid\. .*"soon", which is not a duration/],
    ["a port that is none", ["work", "--health-port", "http"], /'http' is invalid\. give a port from 1 to 65535/],
  ])("%s", async (_, args, said) => {
    const { status, stderr } = await run(project, soniq(...args), { DATABASE_URL });
    expect(stderr).toMatch(said);
    expect(status).toBe(2);
  });
});

describe("it ends with one sentence, and status 2 where only a change of the configuration helps, else 1:", () => {
  test("where there is no configuration", async () => {
    const elsewhere = join(project, "elsewhere");
    mkdirSync(elsewhere);
    const said = sentence(await run(elsewhere, soniq("work")), 2);
    expect(said).toMatch(
      /there is no soniq\.config\.ts in .*elsewhere: create one .* or name another file with --config/,
    );
    expect(sentence(await work({ DATABASE_URL }, "--config", "lost.ts"), 2)).toMatch(
      /there is no file .*lost\.ts: check --config/,
    );
  });

  test("for a configuration that does not parse", async () => {
    const said = sentence(await withConfig("broken.config.ts", "export default {\n  connection: ;\n};\n"), 2);
    expect(said).toMatch(/broken\.config\.ts cannot be loaded: .*broken\.config\.ts:2:\d+/);
  });

  test("for a configuration that imports what is not there", async () => {
    const said = sentence(await withConfig("lost.config.ts", 'import "./lost.js";\nexport default {};\n'), 2);
    expect(said).toMatch(/lost\.config\.ts cannot be loaded: .*lost\.js/);
  });

  test("for a configuration that throws", async () => {
    const said = sentence(await withConfig("throws.config.ts", 'throw new Error("MAIL_KEY is not set");\n'), 2);
    expect(said).toMatch(/throws\.config\.ts cannot be loaded: .*MAIL_KEY is not set/);
  });

  test("for a configuration without a default export, or without a connection", async () => {
    const nothing = sentence(await withConfig("nothing.config.ts", "export const config = {};\n"), 2);
    expect(nothing).toMatch(/nothing\.config\.ts has no default export/);
    expect(sentence(await work({}), 2)).toMatch(/connection is not set: .*DATABASE_URL/);
  });

  test("where PostgreSQL cannot be reached", async () => {
    const nobodyThere = await withUrl((url) => {
      url.port = "1";
      url.password = "hunter2";
    });
    expect(sentence(nobodyThere, 1, "hunter2")).toMatch(
      /cannot reach PostgreSQL .*: is it running, and is `connection` right\?/,
    );
  });

  test("where PostgreSQL refuses the password", async () => {
    const refused = await withUrl((url) => (url.password = "hunter2"));
    expect(sentence(refused, 1, "hunter2")).toMatch(/refuses the login .*: check user and password in `connection`/);
  });

  test("where there is no such database", async () => {
    const missing = await withUrl((url) => (url.pathname = "/nowhere"));
    expect(sentence(missing, 1)).toMatch(/database "nowhere" does not exist: create it/);
  });

  test("where the tables are missing, or older than this version", async () => {
    const { url } = withoutTables;
    expect(sentence(await work({ DATABASE_URL: url }), 1)).toMatch(
      /the table soniq_audit is missing: .*npx soniq-drizzle migrate/,
    );
    const said = sentence(await work({ DATABASE_URL: older.url }), 1);
    expect(said).toMatch(
      /the column soniq_jobs\.unknown_since is missing, .* older than this version: .*npx drizzle-kit migrate/,
    );
  });

  test("for a queue that is not configured", async () => {
    const said = sentence(await work({ DATABASE_URL }, "--queues", "mails"), 2);
    expect(said).toMatch(/queue "mails" is not configured: the queues are default, billing/);
  });
});
