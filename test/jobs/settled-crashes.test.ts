// Crashes are counted until an attempt ends in order: a job that lives long must not die of old ones.
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob, enqueue } from "../../src/index.ts";
import type { Outcome } from "../../src/jobs/settle/outcome.ts";
import { settle } from "../../src/jobs/settle/settle.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";

const { db, sql } = await testDatabase();
const error = { attempt: 1, worker: "", name: "Error", message: "the reason" };
let next = 0;

/** A job that was in three crashes, and was met by a worker that did not know it, once its next attempt has ended so. */
async function after(outcome: Outcome) {
  const queue = `queue-${(next += 1)}`;
  const job = defineJob({ name: "job", queue, payload: v.null() });
  const { id } = await enqueue(db, job, null);
  await sql`update soniq_jobs set crashes = 3, unknown_since = now() where id = ${id}`;
  const worker = await sessionOf(db);
  const claimed = await claimAs(db, worker, { queue });
  await settle(
    db,
    worker,
    claimed.map((one) => ({ ...one, outcome })),
  );
  return jobRow(db, id);
}

test.each<[what: string, outcome: Outcome]>([
  ["that is tried again", { kind: "retried", delayMs: 0, error }],
  ["that is snoozed", { kind: "snoozed", delayMs: 0 }],
  ["that is parked", { kind: "parked" }],
  ["that a shutdown interrupted", { kind: "released", delayMs: 0, ran: true }],
])("a job %s has none any more", async (_, outcome) => {
  expect(await after(outcome)).toMatchObject({ state: "queued", crashes: 0, unknownSince: null });
});

test.each<[what: string, outcome: Outcome]>([
  ["that never started", { kind: "released", delayMs: 0 }],
  ["that this worker does not know", { kind: "unknown", delayMs: 0, graceMs: 60_000, reason: "unknown job name" }],
])("a job %s keeps them, and when it was met first", async (_, outcome) => {
  expect(await after(outcome)).toMatchObject({
    state: "queued",
    crashes: 3,
    unknownSince: expect.any(Date),
    errors: [],
  });
});

test("one whose transaction lost its connection has one more, and is dead at maxCrashes", async () => {
  const lost = (maxCrashes: number): Outcome => ({ kind: "released", delayMs: 0, error, maxCrashes });
  expect(await after(lost(5))).toMatchObject({
    state: "queued",
    crashes: 4,
    attempt: 0,
    errors: [],
    reason: null,
  });
  expect(await after(lost(4))).toMatchObject({
    state: "dead",
    crashes: 4,
    attempt: 0,
    errors: [{ message: "the reason" }],
    reason: "its transaction lost its connection (crash 4 of 4): the reason",
  });
});
