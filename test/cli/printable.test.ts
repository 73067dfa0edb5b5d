// What reaches an operator's terminal, whoever wrote it.
import { expect, test } from "vitest";
import { soniq } from "../support/command-line.ts";
import { testDatabase } from "../support/database.ts";
import { toOneLine, toPrintable } from "../../src/core/terminal.ts";

test.each([
  ["colours", "\u001b[31mred\u001b[0m", "red"],
  ["a link", "\u001b]8;;https://evil.example\u0007here\u001b]8;;\u0007", "here"],
  ["a carriage return, a backspace, a bell", "sent\rlost\b\u0007", "sent lost "],
  ["an escape that is cut off", "half\u001b", "half "],
  ["a control character of eight bits", "half\u009b", "half "],
  ["a newline", "two\n  lines", "two lines"],
])("%s is neither obeyed nor another line", (_what, text, shown) => {
  expect(toOneLine(text)).toBe(shown);
});

test("where lines are wanted they stay", () => {
  expect(toPrintable("Error: \u001b[2Jno\n    at place")).toBe("Error: no\n    at place");
});

test("what a job or PostgreSQL says is shown so, and does not move the cursor", async () => {
  const { url, sql } = await testDatabase();
  const [dead, queued] = await sql<
    { id: number }[]
  >`insert into soniq_jobs (name, payload, state, unique_held, reason, finished_at) values
    ('mail', '{}', 'dead', false, ${"\u001b]0;title\u0007no\u001b[2J route\rto host"}, now()),
    ('mail', '{}', 'queued', true, null, null) returning id::int`;
  await sql`create function refuse() returns trigger language plpgsql as $$ begin raise exception E'not \\x1b[2J\\rthis one'; end $$`;
  await sql`create trigger refuse before update on soniq_jobs for each row execute function refuse()`;
  const said = async (...args: string[]) => (await soniq(url, args)).stderr;

  expect(await said("dead", "retry", "--name", "mail")).toContain("1 × mail · no route to host\n");
  expect(await said("dead", "retry", "--name", "mail", "--yes")).toBe(`#${dead?.id} stays: not this one\n`);
  expect(await said("jobs", "cancel", String(queued?.id))).toBe("soniq-drizzle: not  this one (P0001)\n");
});
