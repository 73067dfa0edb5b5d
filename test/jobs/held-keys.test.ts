// By what a unique key is freed, and by what it is not. That two jobs never hold one: test/guarantees.
import * as v from "valibot";
import { expect, test } from "vitest";
import { cancelJob, defineJob, enqueue } from "../../src/index.ts";
import { discardJob } from "../../src/admin.ts";
import type { ClaimedJob } from "../../src/jobs/claim/claim.ts";
import type { Outcome } from "../../src/jobs/settle/outcome.ts";
import { rescueFromEnded } from "../../src/jobs/upkeep/rescue.ts";
import { settle } from "../../src/jobs/settle/settle.ts";
import { endSession } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";

const { db, sql } = await testDatabase();
const by = (account: string) => account;
const sync = defineJob({ name: "sync", queue: "sync", payload: v.string(), unique: { by } });

/** A job that holds the key and is active, and the worker that runs it. */
async function active(account: string) {
  const { id } = await enqueue(db, sync, account);
  await sql`update soniq_jobs set queue = ${account} where id = ${id}`;
  const worker = await sessionOf(db);
  const [held] = await claimAs(db, worker, { queue: account });
  return { id, worker, claimToken: (held as { claimToken: number }).claimToken };
}

const error = { attempt: 1, worker: "", name: "Error", message: "" };
const requeues: Outcome[] = [
  { kind: "retried", delayMs: 0, error },
  { kind: "snoozed", delayMs: 0 },
  { kind: "released", delayMs: 0 },
  { kind: "unknown", delayMs: 0, graceMs: 60_000, reason: "unknown job name" },
];
const ends: Outcome[] = [
  { kind: "completed", result: null },
  { kind: "cancelled" },
  { kind: "dead", reason: "discarded" },
];

const byKind = (outcomes: readonly Outcome[]) => outcomes.map((outcome) => [outcome.kind, outcome] as const);

test.each(byKind(requeues))("it is still held by a job that was %s", async (_, outcome) => {
  const { id, worker, claimToken } = await active(outcome.kind);
  expect(await enqueue(db, sync, outcome.kind)).toMatchObject({ id, deduplicated: true });
  expect(await settle(db, worker, [{ id, claimToken, outcome }])).toEqual([{ id, claimToken, state: "queued" }]);
  expect(await enqueue(db, sync, outcome.kind)).toMatchObject({ id, deduplicated: true });
});

test.each(byKind(ends))("it is freed by a job that is %s", async (_, outcome) => {
  const { id, worker, claimToken } = await active(outcome.kind);
  expect(await enqueue(db, sync, outcome.kind)).toMatchObject({ id, deduplicated: true });
  expect(await settle(db, worker, [{ id, claimToken, outcome }])).toEqual([{ id, claimToken, state: outcome.kind }]);
  expect(await enqueue(db, sync, outcome.kind)).toMatchObject({ deduplicated: false });
});

test("it is still held by a job that was rescued", async () => {
  const { id, worker } = await active("rescued");
  await endSession(db, worker);
  await rescueFromEnded(db, 5, { limit: 10 });
  expect(await enqueue(db, sync, "rescued")).toMatchObject({ id, deduplicated: true });
});

test("it is freed by the cancellation of a job that waits", async () => {
  const { id } = await enqueue(db, sync, "cancelled");
  await cancelJob(db, id);
  expect(await enqueue(db, sync, "cancelled")).toMatchObject({ deduplicated: false });
});

test("it is freed as a job that waits is given up", async () => {
  const { id } = await enqueue(db, sync, "discarded");
  await discardJob(db, id);
  expect(await enqueue(db, sync, "discarded")).toMatchObject({ deduplicated: false });
});

test("it is freed as the job starts, where that is asked, and not taken back when it fails", async () => {
  const settings = { queue: "started", unique: { by, until: "started" } } as const;
  const waits = defineJob({ name: "waits", payload: v.string(), ...settings });
  const { id } = await enqueue(db, waits, "started");
  const worker = await sessionOf(db);
  const [{ claimToken }] = (await claimAs(db, worker, { queue: "started" })) as [ClaimedJob];
  const next = await enqueue(db, waits, "started");
  expect(next.deduplicated).toBe(false);
  const settled = await settle(db, worker, [{ id, claimToken, outcome: { kind: "retried", delayMs: 0, error } }]);
  expect(settled).toEqual([{ id, claimToken, state: "queued" }]);
  expect(await enqueue(db, waits, "started")).toMatchObject({ id: next.id, deduplicated: true });
});

test("it is held against a plain SQL insert too", async () => {
  await enqueue(db, sync, "plain");
  const insert = sql`insert into soniq_jobs (name, payload, unique_key) values ('sync', '"plain"', 'sync:plain')`;
  await expect(insert).rejects.toMatchObject({ code: "23505" });
});
