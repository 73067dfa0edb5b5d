// `soniq-drizzle queues`: what an operator does with queues.
import { expect, test } from "vitest";
import { soniq as soniqOn } from "../support/command-line.ts";
import { testDatabase } from "../support/database.ts";

const { url, sql } = await testDatabase();
const soniq = (...args: string[]) => soniqOn(url, ["queues", ...args]);

test("list prints a table, or JSON", async () => {
  await sql`insert into soniq_jobs (name, queue, payload, run_at) values
    ('a', 'mail', '{}', now() - interval '1 hour'), ('a', 'mail', '{}', now() + interval '1 hour'), ('a', 'mail', '{}', 'infinity')`;
  const { status, stdout } = await soniq("list");
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^QUEUE +PAUSED +DUE +SCHEDULED +PARKED +ACTIVE +WAIT\ndefault +– +0 +0 +0 +0 +–\nmail +– +1 +1 +1 +0 +36\d\d\.\d s\n$/,
  );
  expect(JSON.parse((await soniq("list", "--json")).stdout)).toMatchObject([
    { name: "default", due: 0 },
    { name: "mail", due: 1, pausedAt: null },
  ]);
});

test("pause and resume say what they did", async () => {
  expect(await soniq("pause", "mail")).toMatchObject({
    status: 0,
    stdout: "the queue mail is paused; running jobs finish\n",
  });
  expect(await sql`select from soniq_queues where name = 'mail' and paused_at is not null`).toHaveLength(1);
  expect(await soniq("resume", "mail")).toMatchObject({ status: 0, stdout: "the queue mail is resumed\n" });
  expect(await soniq("resume", "mail")).toMatchObject({ status: 0, stdout: "the queue mail was not paused\n" });
});

test("a queue must be named", async () => {
  const { status, stderr } = await soniq("pause");
  expect(stderr).toContain("missing required argument 'queue'");
  expect(status).toBe(2);
});
