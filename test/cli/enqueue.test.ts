// `soniq-drizzle enqueue`: a job from the command line, checked as one from the code is.
import { beforeEach, expect, test } from "vitest";
import { listJobs } from "../../src/admin.ts";
import { soniq as soniqOn } from "../support/command-line.ts";
import { testDatabase } from "../support/database.ts";

const { db, url, sql } = await testDatabase();
const soniq = (...args: string[]) => soniqOn(url, ["enqueue", ...args]);

beforeEach(() => sql`truncate soniq_jobs restart identity`);

test("a job is enqueued as its definition says, and its id is printed", async () => {
  expect(await soniq("hold", '{"n": 1}')).toEqual({ status: 0, stdout: "enqueued job #1\n", stderr: "" });
  expect(await sql`select name, queue, payload, priority, tags from soniq_jobs`).toEqual([
    { name: "hold", queue: "default", payload: { n: 1 }, priority: 5, tags: [] },
  ]);
});

test("what the options say comes before that", async () => {
  const options = ["--queue", "later", "--priority", "0", "--tags", "a, b,", "--run-at", "2099-01-31T08:00Z"];
  expect(JSON.parse((await soniq("hold", '{"n": 1}', ...options, "--json")).stdout)).toEqual({
    id: 1,
    deduplicated: false,
  });
  expect((await listJobs(db)).jobs).toMatchObject([
    { queue: "later", priority: 0, tags: ["a", "b"], runAt: new Date("2099-01-31T08:00Z") },
  ]);
});

test("a delay is from now", async () => {
  await soniq("hold", '{"n": 1}', "--delay", "1h");
  expect(
    await sql`select run_at between now() + interval '59 minutes' and now() + interval '1 hour' as soon from soniq_jobs`,
  ).toEqual([{ soon: true }]);
});

test.each([
  [
    "a name that the configuration does not know",
    ["hodl", "{}"],
    'is "hodl", and the configuration has no such job: it has hold, block',
  ],
  ["a payload that is no JSON", ["hold", "{n: 1}"], "<payload> is not valid JSON: "],
  ["a payload that the validator refuses", ["hold", '{"n": "1"}'], "job hold: payload.n is not valid"],
  ["a priority that there is not", ["hold", '{"n": 1}', "--priority", "10"], "options.priority is 10"],
  ["a priority that is no number", ["hold", '{"n": 1}', "--priority", "high"], "options.priority is NaN"],
  ["a delay that is none", ["hold", '{"n": 1}', "--delay", "soon"], "which is not a duration"],
  ["a time that is none", ["hold", '{"n": 1}', "--run-at", "tomorrow"], "give a time such as 2026-01-31T08:00Z"],
  ["a delay beside a time", ["hold", '{"n": 1}', "--delay", "1h", "--run-at", "2099-01-31T08:00Z"], "give one of them"],
  ["no payload", ["hold"], "missing required argument 'payload'"],
])("%s is status 2, and nothing is enqueued", async (_, args, sentence) => {
  const { status, stderr } = await soniq(...args);
  expect(stderr).toContain(sentence);
  expect(status).toBe(2);
  expect(await sql`select from soniq_jobs`).toHaveLength(0);
});
