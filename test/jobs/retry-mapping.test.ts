// Dead letters begin anew with payloads that are made anew, where those they had were not what they should have been.
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { retryJobs } from "../../src/admin.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";
import { jobRow } from "../support/job-row.ts";

const { db, sql } = await testDatabase();
const mail = defineJob({ name: "mail", payload: v.strictObject({ to: v.string() }) });
const old = { name: "mail", payload: { address: "ada" } };
const mapping = { job: mail, payload: ({ address }: { address: string }) => ({ to: address }) };

test("payloads are made anew", async () => {
  const [id] = (await died(sql, [old])) as [number];
  expect(await retryJobs(db, id, { mapping })).toEqual({ retried: [id], refused: [] });
  expect(await jobRow(db, id)).toMatchObject({ state: "queued", payload: { to: "ada" } });
});

test("a new payload may be null, and is not read as none", async () => {
  const nothing = defineJob({ name: "nothing", payload: v.null() });
  const [id] = (await died(sql, [{ name: "nothing", payload: { was: "something" } }])) as [number];
  await retryJobs(db, id, { mapping: { job: nothing, payload: () => null } });
  expect(await sql`select payload::text from soniq_jobs where id = ${id}`).toMatchObject([{ payload: "null" }]);
});

test("a payload that is not valid, or cannot be made, leaves its job a dead letter, and only that", async () => {
  const ids = (await died(sql, [old, { ...old, payload: { address: 7 } }, { ...old, payload: null }, old])) as [
    number,
    number,
    number,
    number,
  ];
  const { retried, refused } = await retryJobs(db, ids, { mapping });
  expect(new Set(retried)).toEqual(new Set([ids[0], ids[3]]));
  expect(refused).toMatchObject([
    {
      id: ids[1],
      reason: "failed",
      error: {
        name: "InvalidValueError",
        message: expect.stringMatching(`^job mail #${ids[1]}: payload.to is not valid`),
      },
    },
    { id: ids[2], reason: "failed", error: { name: "TypeError" } },
  ]);
  expect(await jobRow(db, ids[1])).toMatchObject({ state: "dead", payload: { address: 7 } });
});

test("dead letters of other jobs are left", async () => {
  const [id] = (await died(sql, [{ ...old, name: "letter" }])) as [number];
  expect(await retryJobs(db, id, { mapping })).toEqual({
    retried: [],
    refused: [{ id, reason: "not-a-dead-letter" }],
  });
  expect(await jobRow(db, id)).toMatchObject({ state: "dead" });
});

test("what was retried and has died again since its payload was read keeps that life's", async () => {
  const [id] = (await died(sql, [old])) as [number];
  const overtaken = v.checkAsync<{ to: string }, string>(async () => {
    await sql`update soniq_jobs set manual_retries = manual_retries + 1, payload = '{"to": "eve"}' where id = ${id}`;
    return true;
  }, "");
  const job = defineJob({ name: "mail", payload: v.pipeAsync(v.object({ to: v.string() }), overtaken) });
  const answer = await retryJobs(db, id, { mapping: { ...mapping, job } });
  expect(answer).toEqual({ retried: [], refused: [{ id, reason: "locked" }] });
  expect(await jobRow(db, id)).toMatchObject({ state: "dead", payload: { to: "eve" }, manualRetries: 1 });
});
