// `soniq-drizzle status` and `workers`: what an operator looks at first.
import { beforeAll, expect, test } from "vitest";
import { endSession, openSession } from "../../src/sessions/session.ts";
import { soniq as soniqOn } from "../support/command-line.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";

const { db, url, sql } = await testDatabase();
const soniq = (...args: string[]) => soniqOn(url, args);

const session = (host: string) =>
  openSession(db, { host, pid: 7, version: "1.2.3", queues: { mail: 5 }, leaseMs: 3_600_000 });

beforeAll(async () => {
  await endSession(db, await session("gone"));
  const id = await session("box-1");
  await sql`insert into soniq_jobs (name, queue, payload, state, worker_id) select 'a', 'mail', '{}', 'active', ${id} from generate_series(1, 2)`;
  await sql`insert into soniq_jobs (name, queue, payload) values ('a', 'mail', '{}'), ('b', 'nobody''s', '{}')`;
  await sql`insert into soniq_stats (minute, queue, name, measure, bucket, count) values (date_trunc('minute', now()), 'mail', 'a', 'completed', 0, 300)`;
  await died(sql, [{ name: "mail" }, { name: "mail" }, { name: "report", error: "TimeoutError" }]);
});

test("where there is no terminal, status is printed once", async () => {
  const { status, stdout, stderr } = await soniq("status");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/^soniq-drizzle \S+ · .*:\/\/.* · \d\d:\d\d:\d\d\n\nQUEUE +PAUSED +DUE .* +DONE PER MINUTE\n/);
  expect(stdout).toMatch(/^mail +– +1 +0 +0 +2 +\S+ s +[67]\d\.\d$/m);
  expect(stdout).toMatch(/^nobody's +– +1 .* s +0\.0$/m);
  expect(stdout).toMatch(/^no worker processes the queue nobody's$/m);
  expect(stdout).toMatch(/^live +box-1 +7 +mail 2\/5 +1\.2\.3 /m);
  expect(stdout).not.toContain("gone");
  expect(stdout).toMatch(/^3 dead letters\nJOB +REASON +ERROR +COUNT .*\nmail +out of attempts +Error +2 /m);
});

test("a queue's name is obeyed by no terminal, nor does it turn a line around", async () => {
  const name = "tenant\u001b]52;c;cm0gLXJmIC8=\u0007\u001b[2J\u202e\u009b\nend";
  await sql`insert into soniq_jobs (name, queue, payload) values ('a', ${name}, '{}')`;
  const { stdout } = await soniq("status");
  expect(stdout).toContain("no worker processes the queue tenant\u{fffd} end\n");
  const json = (await soniq("status", "--json")).stdout;
  for (const printed of [stdout, json]) expect(printed).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  expect(JSON.parse(json)).toMatchObject({ queues: expect.arrayContaining([expect.objectContaining({ name })]) });
  await sql`delete from soniq_jobs where queue = ${name}`;
});

test("programs get all of it as one JSON object", async () => {
  const { stdout } = await soniq("status", "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    queues: [{ name: "mail", due: 1, active: 2 }, { name: "nobody's" }],
    workers: [{ host: "box-1", queues: [{ name: "mail", active: 2, concurrency: 5 }] }],
    rates: [{ queue: "mail", perMinute: expect.any(Number) }],
    deadLetters: { count: 3, groups: [{ name: "mail", count: 2 }, { name: "report" }] },
  });
});

test("workers lists those that live and those that have ended, as a table or JSON", async () => {
  const { status, stdout } = await soniq("workers");
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(
    /^STATE +HOST +PID +ACTIVE OF CONCURRENCY +VERSION +STARTED +LAST HEARTBEAT +ENDED +SESSION$/,
  );
  expect(lines[1]).toMatch(/^live +box-1 +7 +mail 2\/5 +1\.2\.3 +\S+ \S+ +\S+ \S+ +– +[\da-f-]{36}$/);
  expect(lines[2]).toMatch(/^ended +gone +7 +mail 0\/5 +1\.2\.3 +\S+ \S+ +\S+ \S+ +\S+ \S+ +[\da-f-]{36}$/);
  expect(JSON.parse((await soniq("workers", "--json")).stdout)).toMatchObject([{ host: "box-1" }, { host: "gone" }]);
});
