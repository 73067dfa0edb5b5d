import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob, enqueue } from "../../src/index.ts";
import { appendLogs } from "../../src/jobs/settle/append-logs.ts";
import type { ClaimedJob } from "../../src/jobs/claim/claim.ts";
import { toLogLineJson } from "../../src/jobs/row/log-line.ts";
import { settle } from "../../src/jobs/settle/settle.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { transactionWith } from "../support/locks.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";

const { db, sql } = await testDatabase();
const job = defineJob({ name: "talk", payload: v.null() });
const workerId = await sessionOf(db);

const lines = (...messages: string[]) =>
  messages.map((message, i) => toLogLineJson({ message, fields: undefined, attempt: 1, afterUs: 10 * i }));

async function claimed(): Promise<ClaimedJob> {
  await enqueue(db, job, null);
  return (await claimAs(db, workerId))[0] as ClaimedJob;
}

const logsOf = async ({ id }: { id: number }) =>
  ((await jobRow(db, id)) as { logs: { message: string }[] }).logs.map(({ message }) => message);

test("lines that were appended before are not appended again, by the settle either", async () => {
  const { id, claimToken } = await claimed();
  const logged = { workerId, id, claimToken, lines: lines("one", "two") };
  expect(await appendLogs(db, [logged])).toEqual([logged]);
  const more = { ...logged, lines: [...logged.lines, ...lines("", "", "three").slice(2)] };
  expect(await appendLogs(db, [more])).toEqual([more]);
  await settle(db, workerId, [
    { id, claimToken, outcome: { kind: "completed", result: null }, logs: `[${more.lines.join()}]` },
  ]);
  expect(await logsOf({ id })).toEqual(["one", "two", "three"]);
});

test("the time of a line is that of the claim, and what passed since, whatever the session's time zone", async () => {
  const { id, claimToken } = await claimed();
  await sql`update soniq_jobs set claimed_at = '2026-03-01 12:00:00.5+00' where id = ${id}`;
  const line = toLogLineJson({ message: "m", fields: undefined, attempt: 1, afterUs: 1_250_001 });
  await db.transaction(async (tx) => {
    await tx.execute("set local timezone = 'Asia/Kathmandu'");
    await appendLogs(tx, [{ workerId, id, claimToken, lines: [line] }]);
  });
  expect((await jobRow(db, id))?.logs).toEqual([{ at: "2026-03-01T12:00:01.750001Z", attempt: 1, message: "m" }]);
});

test("a claim that has ended, another session's, and one that was never made get nothing", async () => {
  const { id, claimToken } = await claimed();
  const logged = { workerId, id, claimToken, lines: lines("stale") };
  const other = await sessionOf(db);
  expect(
    await appendLogs(db, [
      { ...logged, claimToken: claimToken + 1 },
      { ...logged, workerId: other },
    ]),
  ).toEqual([]);
  await settle(db, workerId, [{ id, claimToken, outcome: { kind: "released", delayMs: 0 } }]);
  expect(await appendLogs(db, [logged])).toEqual([]);
  expect(await logsOf({ id })).toEqual([]);
});

test("rows that others have locked are passed over", async () => {
  const [first, second] = [await claimed(), await claimed()];
  const loggedBy = ({ id, claimToken }: ClaimedJob) => ({ workerId, id, claimToken, lines: lines("mine") });
  const release = await transactionWith(sql, `select from soniq_jobs where id = ${first.id} for update`);
  const both = [loggedBy(first), loggedBy(second)];
  expect(await appendLogs(db, both)).toEqual([both[1]]);
  await release();
  expect(await appendLogs(db, both)).toEqual(both);
  expect([await logsOf(first), await logsOf(second)]).toEqual([["mine"], ["mine"]]);
});
