// `soniq-drizzle dead`: what an operator does with dead letters.
import { beforeEach, describe, expect, test } from "vitest";
import { soniq as soniqOn } from "../support/command-line.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";

const { url, sql } = await testDatabase();
const soniq = (...args: string[]) => soniqOn(url, args);

let ids: number[];
beforeEach(async () => {
  await sql`truncate soniq_jobs`;
  ids = await died(sql, [
    { name: "mail", reason: "out of attempts: no route\u001b[31m\nto host", error: "TimeoutError", minutesAgo: 60 },
    { name: "mail", uniqueKey: "mail:ada", minutesAgo: 50 },
    { name: "report", queue: "slow", reason: "unknown job name" },
  ]);
});

const states = async () => (await sql`select state from soniq_jobs order by id`).map(({ state }) => state as string);

test("list prints a table, newest first, of what fits", async () => {
  const { status, stdout } = await soniq("dead", "list");
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^ID +JOB +QUEUE +DIED +ATTEMPTS +RETRIES +REASON$/);
  expect(lines.slice(1).map((line) => Number(line.split(" ")[0]))).toEqual(ids.toReversed());
  expect(lines[3]).toMatch(/ mail +default +\d{4}-\S+ \S+ +10\/10 +0 +out of attempts: no route to host$/);
  const { stdout: some } = await soniq("dead", "list", "--queue", "slow", "--since", "10m", "--json");
  expect(JSON.parse(some)).toMatchObject({ deadLetters: [{ id: ids[2], name: "report" }] });
});

test("list goes on where another one ended", async () => {
  const { stderr } = await soniq("dead", "list", "--limit", "2");
  const cursor = JSON.parse(/--cursor (".*")/.exec(stderr)?.[1] as string) as string;
  const { stdout } = await soniq("dead", "list", "--cursor", cursor, "--json");
  expect(JSON.parse(stdout)).toMatchObject({ deadLetters: [{ id: ids[0] }] });
});

test("summary counts by job, reason and error", async () => {
  const { stdout } = await soniq("dead", "summary", "--name", "mail");
  expect(stdout).toMatch(/^mail +out of attempts +Error +1 /m);
  expect(stdout).toMatch(/^mail +out of attempts +TimeoutError +1 /m);
});

describe("retry", () => {
  test("queues what fits", async () => {
    const { status, stdout } = await soniq("dead", "retry", "--reason", "ROUTE", "--yes");
    expect({ status, stdout }).toEqual({ status: 0, stdout: "retried 1 jobs\n" });
    expect(await states()).toEqual(["queued", "dead", "dead"]);
  });

  test("queues all, if that is said", async () => {
    const { status, stdout } = await soniq("dead", "retry", "--all", "--yes", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ retried: 3, refused: 0 });
    expect(await states()).toEqual(["queued", "queued", "queued"]);
  });

  test("says which stay, and why, with status 1", async () => {
    await sql`insert into soniq_jobs (name, payload, unique_key) values ('mail', '{}', 'mail:ada')`;
    const { status, stdout, stderr } = await soniq("dead", "retry", "--id", String(ids[0]), String(ids[1]), "--yes");
    expect(status).toBe(1);
    expect(stdout).toBe("retried 1 jobs; 1 stay\n");
    expect(stderr).toMatch(new RegExp(`^#${ids[1]} stays: its unique key is held by job #\\d+\n$`));
  });

  test("shows what there is, and does nothing, where nobody can be asked", async () => {
    const { status, stdout, stderr } = await soniq("dead", "retry", "--name", "mail");
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("1 × mail · out of attempts · TimeoutError\n");
    expect(stderr).toContain(
      "soniq-drizzle: --yes is missing: stdin is not a terminal, so the command cannot ask for confirmation",
    );
    expect(await states()).toEqual(["dead", "dead", "dead"]);
  });
});

test("purge deletes what fits", async () => {
  const { status, stdout } = await soniq("dead", "purge", "--before", "30m", "--yes");
  expect({ status, stdout }).toEqual({ status: 0, stdout: "purged 2 jobs\n" });
  expect(await sql`select id::int from soniq_jobs`).toMatchObject([{ id: ids[2] }]);
});

describe("export", () => {
  test("prints one JSON object per line", async () => {
    const { status, stdout } = await soniq("dead", "export");
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual(ids.toReversed());
  });

  test("ends well when whoever reads it has seen enough", async () => {
    await died(
      sql,
      Array.from({ length: 3_000 }, () => ({ payload: "x".repeat(1_000) })),
    );
    const { status, stderr } = await soniqOn(url, ["dead", "export"], 10_000);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});

describe("a command line that cannot be meant is status 2, and changes nothing:", () => {
  test.each([
    ["a change of what is not said", ["purge", "--yes"], "--all is missing: give it to select all dead letters"],
    ["all, and some", ["purge", "--all", "--name", "mail", "--yes"], "--all cannot be combined with a filter"],
    ["a time that is none", ["purge", "--before", "tomorrow", "--yes"], "give a time such as 2026-01-31T08:00Z"],
    ["no command", [], "Run soniq-drizzle dead --help for the available commands and options."],
  ])("%s", async (_, args, said) => {
    const { status, stderr } = await soniq("dead", ...args);
    expect(stderr).toContain(said);
    expect(status).toBe(2);
    expect(await states()).toEqual(["dead", "dead", "dead"]);
  });
});
