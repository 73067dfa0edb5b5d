// Promise 8.
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { cancel, defineJob, enqueue, enqueueMany, type WorkerConfig } from "../../src/index.ts";
import { rescueFromEnded } from "../../src/jobs/rescue.ts";
import type { Outcome } from "../../src/jobs/outcome.ts";
import { settle } from "../../src/jobs/settle.ts";
import { endSession } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { someoneWaits } from "../support/locks.ts";
import { randomFrom, seed } from "../support/random.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const sync = defineJob({ name: "sync", queue: "sync", payload: v.string(), uniqueKey: (account) => account });

const unfinished = (account: string) =>
  sql<{ id: string }[]>`
    select id from soniq_jobs where unique_key = ${`sync:${account}`} and state in ('queued', 'active')`;

test("of many that enqueue the same key at once, one creates the job, and all are told which", async () => {
  const told = await Promise.all(Array.from({ length: 40 }, () => enqueue(db, sync, "at once")));
  expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  expect(told.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
  expect(await unfinished("at once")).toHaveLength(1);
});

test("bulk enqueues with the same keys in any order agree", async () => {
  const accounts = Array.from({ length: 100 }, (_, n) => `bulk ${n}`);
  const told = await Promise.all([
    enqueueMany(db, sync, accounts),
    enqueueMany(db, sync, accounts.toReversed()),
    enqueueMany(db, sync, [...accounts.slice(50), ...accounts.slice(0, 50)]),
  ]);
  const ids = told.map((jobs) => jobs.map(({ id }) => id).toSorted((a, b) => a - b));
  expect(ids[1]).toEqual(ids[0]);
  expect(ids[2]).toEqual(ids[0]);
  expect(new Set(ids[0]).size).toBe(accounts.length);
  expect(told.flat().filter(({ deduplicated }) => !deduplicated)).toHaveLength(accounts.length);
});

test("and never wait for each other in a circle", async () => {
  const [taken, finish] = [gate(), gate()];
  const between = db
    .transaction(async (tx) => {
      await enqueue(tx, sync, "circle 2");
      taken.open();
      await finish.opened;
      throw new Error("undone");
    })
    .catch(() => {});
  await taken.opened;
  // Each would hold its first key now, and wait for the other's.
  const bulks = Promise.all([
    enqueueMany(db, sync, ["circle 1", "circle 2", "circle 3"]),
    enqueueMany(db, sync, ["circle 3", "circle 2", "circle 1"]),
  ]);
  await someoneWaits(sql, 2);
  finish.open();
  await between;
  const [one, other] = (await bulks).map((jobs) => jobs.map(({ id }) => id));
  expect(other?.toReversed()).toEqual(one);
});

/** Enqueues the key in a transaction and, while that is open, outside of it. */
async function race(account: string, end: "commit" | "rollback") {
  const first = gate<number>();
  const finish = gate();
  const transaction = db
    .transaction(async (tx) => {
      first.open((await enqueue(tx, sync, account)).id);
      await finish.opened;
      if (end === "rollback") throw new Error("undone");
    })
    .catch(() => {});
  const id = await first.opened;
  const second = enqueue(db, sync, account);
  await someoneWaits(sql);
  finish.open();
  await transaction;
  return { first: id, second: await second };
}

describe("while another transaction has enqueued the key and is open, one waits for it", () => {
  test("and is told its job if it commits", async () => {
    const { first, second } = await race("commits", "commit");
    expect(second).toEqual({ id: first, name: "sync", deduplicated: true });
  });

  test("and enqueues if it rolls back", async () => {
    const { first, second } = await race("rolls back", "rollback");
    expect(second).toMatchObject({ name: "sync", deduplicated: false });
    expect(second.id).not.toBe(first);
  });
});

/** A job that holds the key and is active, and the worker that runs it. */
async function active(account: string) {
  const { id } = await enqueue(db, sync, account);
  await sql`update soniq_jobs set queue = ${account} where id = ${id}`;
  const worker = await sessionOf(db);
  const [held] = await claimAs(db, worker, { queue: account });
  return { id, worker, claims: (held as { claims: number }).claims };
}

describe("the key", () => {
  const error = { attempt: 1, worker: "", name: "Error", message: "" };
  const requeues: Outcome[] = [
    { kind: "retried", delayMs: 0, error },
    { kind: "snoozed", delayMs: 0 },
    { kind: "released", delayMs: 0 },
    { kind: "unknown", delayMs: 0, graceMs: 60_000 },
  ];
  const ends: Outcome[] = [
    { kind: "completed", result: null },
    { kind: "cancelled" },
    { kind: "dead", reason: "discarded" },
  ];

  const byKind = (outcomes: readonly Outcome[]) => outcomes.map((outcome) => [outcome.kind, outcome] as const);

  test.each(byKind(requeues))("is still held by a job that was %s", async (_, outcome) => {
    const { id, worker, claims } = await active(outcome.kind);
    expect(await enqueue(db, sync, outcome.kind)).toMatchObject({ id, deduplicated: true });
    expect(await settle(db, worker, [{ id, claims, outcome }])).toEqual([{ id, claims, state: "queued" }]);
    expect(await enqueue(db, sync, outcome.kind)).toMatchObject({ id, deduplicated: true });
  });

  test.each(byKind(ends))("is freed by a job that is %s", async (_, outcome) => {
    const { id, worker, claims } = await active(outcome.kind);
    expect(await enqueue(db, sync, outcome.kind)).toMatchObject({ id, deduplicated: true });
    expect(await settle(db, worker, [{ id, claims, outcome }])).toEqual([{ id, claims, state: outcome.kind }]);
    expect(await enqueue(db, sync, outcome.kind)).toMatchObject({ deduplicated: false });
  });

  test("is still held by a job that was rescued", async () => {
    const { id, worker } = await active("rescued");
    await endSession(db, worker);
    await rescueFromEnded(db, 5, 10);
    expect(await enqueue(db, sync, "rescued")).toMatchObject({ id, deduplicated: true });
  });

  test("is freed by the cancellation of a job that waits", async () => {
    const { id } = await enqueue(db, sync, "cancelled");
    await cancel(db, id);
    expect(await enqueue(db, sync, "cancelled")).toMatchObject({ deduplicated: false });
  });

  test("is freed as the job starts, where that is asked, and not taken back when it fails", async () => {
    const { id } = await enqueue(db, sync, "started");
    await sql`update soniq_jobs set unique_until = 'started', queue = 'started' where id = ${id}`;
    const worker = await sessionOf(db);
    await claimAs(db, worker, { queue: "started" });
    const next = await enqueue(db, sync, "started");
    expect(next.deduplicated).toBe(false);
    const settled = await settle(db, worker, [{ id, claims: 1, outcome: { kind: "retried", delayMs: 0, error } }]);
    expect(settled).toEqual([{ id, claims: 1, state: "queued" }]);
    expect(await enqueue(db, sync, "started")).toMatchObject({ id: next.id, deduplicated: true });
  });

  test("is held past the job's end until it expires, where that is asked", async () => {
    const { id, worker, claims } = await active("expires");
    await sql`update soniq_jobs set unique_expires_at = now() + interval '1 hour' where id = ${id}`;
    await settle(db, worker, [{ id, claims, outcome: { kind: "completed", result: null } }]);
    expect(await enqueue(db, sync, "expires")).toMatchObject({ id, deduplicated: true });
  });

  test("is held against a plain SQL insert too", async () => {
    await enqueue(db, sync, "plain");
    const insert = sql`insert into soniq_jobs (name, payload, unique_key) values ('sync', '"plain"', 'sync:plain')`;
    await expect(insert).rejects.toMatchObject({ code: "23505" });
  });
});

test("whatever workers and those who enqueue do at the same time", async () => {
  const random = randomFrom(seed);
  const churn = defineJob({
    name: "churn",
    queue: "churn",
    payload: v.string(),
    uniqueKey: (account) => account,
    run: () => {
      if (random.below(4) === 0) throw new Error("bad luck");
    },
    backoff: () => 5,
  });
  const config: WorkerConfig = { connection: url, jobs: { churn }, handlers: {}, poll: "50ms" };
  await Promise.all([startWorker(config), startWorker(config)]);
  const told: { id: number; account: string }[] = [];
  const enqueuer = async () => {
    for (let i = 0; i < 100; i += 1) {
      const account = `churn ${random.below(3)}`;
      const { id } = await enqueue(db, churn, account);
      told.push({ id, account });
      const twice = await sql`
        select unique_key from soniq_jobs where queue = 'churn' and state in ('queued', 'active') group by 1 having count(*) > 1`;
      expect([...twice], `with SONIQ_TEST_SEED=${seed}`).toEqual([]);
    }
  };
  await Promise.all([enqueuer(), enqueuer(), enqueuer()]);
  const rows = await sql<{ id: string; payload: string }[]>`select id, payload from soniq_jobs where queue = 'churn'`;
  const stored = new Map(rows.map(({ id, payload }) => [Number(id), payload]));
  expect(told.filter(({ id, account }) => stored.get(id) !== account)).toEqual([]);
});
