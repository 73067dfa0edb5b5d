// `soniq-drizzle schedules` as a process of its own, as its user runs it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { startWith } from "../support/schedules.ts";
import { schedules as defined } from "../support/scheduler.config.ts";

const { db, sql, url } = await testDatabase();
const execute = promisify(execFile);

beforeEach(async () => {
  await sql`truncate soniq_jobs, soniq_schedules, soniq_workers restart identity`;
  await startWith(db, ...defined);
});

/** What the command prints, and how it ends. */
async function schedules(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  const command = ["--import", "tsx", "src/cli/main.ts", "schedules", ...args];
  const options = ["--config", "test/support/scheduler.config.ts"];
  return execute(process.execPath, [...command, ...options], { env: { ...process.env, DATABASE_URL: url } }).then(
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
      "schedule      ticks                    job   state     last tick  last job  next ticks",
      "by interval   every 1s                 note  active    –          –         2099-01-01T00:00:00.000Z 2099-01-01T00:00:01.000Z",
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

test("pause, resume, trigger and remove do so, and say it", async () => {
  expect(await schedules("pause", "nightly")).toMatchObject({ stdout: "paused nightly\n", code: 0 });
  expect(await sql`select name from soniq_schedules where paused_at is not null`).toEqual([{ name: "nightly" }]);
  expect(await json("resume", "nightly")).toEqual({ schedule: "nightly", done: "resumed" });
  expect(await sql`select name from soniq_schedules where paused_at is not null`).toEqual([]);
  expect(await schedules("trigger", "nightly")).toMatchObject({ stdout: "triggered nightly: job #1\n", code: 0 });
  expect(await json("trigger", "nightly")).toEqual({ schedule: "nightly", done: "triggered", jobId: 2 });
  expect(await schedules("remove", "nightly")).toMatchObject({ stdout: "removed nightly\n", code: 0 });
  expect(await sql`select from soniq_schedules`).toHaveLength(2);
});

test("a name that there is not, and a command that there is not, are said in a sentence", async () => {
  const unknown = await schedules("pause", "nihgtly");
  expect(unknown).toMatchObject({ code: 1, stdout: "" });
  expect(unknown.stderr).toBe(
    'soniq-drizzle: there is no schedule "nihgtly": there are by interval, by the clock, nightly\n',
  );
  expect(await schedules("paws", "nightly")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("unknown command"),
  });
  expect(await schedules("pause")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("missing required argument"),
  });
});
