// `soniq-drizzle schedules` as a process of its own, as its user runs it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { startWith } from "../support/schedules.ts";
import { schedules as defined } from "../support/scheduler.config.ts";
import { soniqArguments } from "../support/programs.ts";

const { db, sql, url } = await testDatabase();
const execute = promisify(execFile);

beforeEach(async () => {
  await sql`truncate soniq_jobs, soniq_schedules, soniq_workers restart identity`;
  await startWith(db, ...defined);
});

/** What the command prints, and how it ends. */
async function schedules(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  const command = soniqArguments(["schedules", ...args], "scheduler.config.ts");
  return execute(process.execPath, command, { env: { ...process.env, DATABASE_URL: url } }).then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
}
const json = async (...args: string[]) => JSON.parse((await schedules(...args, "--json")).stdout) as unknown;

describe("list", () => {
  test("prints a table for people", async () => {
    await sql`update soniq_schedules set paused_at = now() where name = 'nightly'`;
    await sql`update soniq_schedules set orphaned_at = now() where name = 'by the clock'`;
    await sql`update soniq_schedules set next_run_at = '2099-01-01T00:00:00Z' where name = 'by interval'`;
    expect((await schedules("list")).stdout.split("\n")).toEqual([
      "SCHEDULE      TICKS                    JOB   STATE     LAST TICK  LAST JOB  NEXT TICKS",
      "by interval   every 1s                 note  active    –          –         2099-01-01 00:00:00, 2099-01-01 00:00:01",
      "by the clock  * * * * * * UTC          note  orphaned  –          –         –",
      "nightly       0 2 * * * Europe/Berlin  note  paused    –          –         –",
      "",
    ]);
  });

  test("prints JSON for programs", async () => {
    expect(await json("list")).toMatchObject([
      { name: "by interval", everyMs: 1_000 },
      { name: "by the clock" },
      { name: "nightly", timeZone: "Europe/Berlin", nextTicks: Array.from({ length: 5 }, () => expect.any(String)) },
    ]);
  });
});

const paused = async () => (await sql`select name from soniq_schedules where paused_at is not null`).length;

test("pause does so, and says it", async () => {
  expect(await schedules("pause", "nightly")).toMatchObject({ stdout: "paused nightly\n", code: 0 });
  expect(await paused()).toBe(1);
});

test("resume does so, and says it", async () => {
  await sql`update soniq_schedules set paused_at = now() where name = 'nightly'`;
  expect(await json("resume", "nightly")).toEqual({ schedule: "nightly", done: "resumed" });
  expect(await paused()).toBe(0);
});

test("trigger says which job it has enqueued", async () => {
  expect(await schedules("trigger", "nightly")).toMatchObject({ stdout: "triggered nightly: job #1\n", code: 0 });
});

test("trigger says it to programs, too", async () => {
  expect(await json("trigger", "nightly")).toEqual({ schedule: "nightly", done: "triggered", jobId: 1 });
});

test("remove does so, and says it", async () => {
  expect(await schedules("remove", "nightly")).toMatchObject({ stdout: "removed nightly\n", code: 0 });
  expect(await sql`select from soniq_schedules`).toHaveLength(2);
});

test("a name that there is not is said in a sentence, with those that there are", async () => {
  const { stdout, stderr, code } = await schedules("pause", "nihgtly");
  const sentence = 'there is no schedule "nihgtly": there are by interval, by the clock, nightly';
  expect({ stdout, stderr, code }).toEqual({ stdout: "", stderr: `soniq-drizzle: ${sentence}\n`, code: 1 });
});

test.each([
  ["unknown command", ["paws", "nightly"]],
  ["missing required argument", ["pause"]],
])("a command line with an %s is refused", async (problem, args) => {
  expect(await schedules(...args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(problem) });
});
