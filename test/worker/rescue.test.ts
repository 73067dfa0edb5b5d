// How the jobs of dead workers come back. How soon is promise 5; when not, in crashed-jobs and sessions.
import { beforeEach, describe, expect, test } from "vitest";
import * as v from "valibot";
import { cancelJob, defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { rescueFromEnded } from "../../src/jobs/upkeep/rescue.ts";
import { expireSessions, findEndedSessions } from "../../src/sessions/end-sessions.ts";
import { beat, endSession } from "../../src/sessions/session.ts";
import { createRescueTasks } from "../../src/worker/tasks/rescuer.ts";
import { parseConfig } from "../../src/worker/settings/settings.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { transactionWith } from "../support/locks.ts";
import { recordedDatabase } from "../support/recorded-database.ts";
import { claimAs, expireLease, sessionOf } from "../support/sessions.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const job = defineJob({ name: "unlucky", queue: "unlucky", payload: v.number(), maxAttempts: 1, run: () => {} });
const maxCrashes = 5;

beforeEach(async () => {
  await sql`delete from soniq_jobs`;
});

/** A job that a worker holds, which the test plays. */
async function held(): Promise<{ id: number; session: string }> {
  const { id } = await enqueue(db, job, 1);
  const session = await sessionOf(db);
  const [claimed] = await claimAs(db, session, { queue: "unlucky", limit: 1 });
  expect(claimed?.id).toBe(id);
  return { id, session };
}

async function rescued(session: string) {
  await endSession(db, session);
  return rescueFromEnded(db, maxCrashes, { limit: 100 });
}

describe("a job whose worker died", () => {
  test("keeps the time it was due, if it is its end", async () => {
    const { id, session } = await held();
    const due = (await jobRow(db, id))?.runAt;
    await sql`update soniq_jobs set crashes = ${maxCrashes - 1} where id = ${id}`;
    await rescued(session);
    expect(await jobRow(db, id)).toMatchObject({ state: "dead", runAt: due });
  });

  test("is due at once, with its attempt given back and a crash counted", async () => {
    const { id, session } = await held();
    expect(await rescued(session)).toEqual([{ id, name: "unlucky", queue: "unlucky", state: "queued", reason: null }]);
    expect(await jobRow(db, id)).toMatchObject({
      state: "queued",
      attempt: 0,
      claims: 1,
      crashes: 1,
      errors: [],
      workerId: null,
      lastWorkerId: session,
      deadlineAt: null,
      finishedAt: null,
    });
    expect(await claimAs(db, await sessionOf(db), { queue: "unlucky" })).toMatchObject([{ id, attempt: 1, claims: 2 }]);
  });

  test("has not lost its only attempt, and runs", async () => {
    const { id, session } = await held();
    await expireLease(sql, session);
    const queues = { unlucky: { concurrency: 5 } };
    const worker = await startWorker({
      connection: url,
      jobs: { job },
      handlers: {},
      queues,
      rescueInterval: "50ms",
      pollInterval: "50ms",
    });
    await worker.settled(id, "completed");
    expect(await jobRow(db, id)).toMatchObject({ attempt: 1, claims: 2, crashes: 1, errors: [] });
  });

  test("is cancelled, if that was asked while it ran", async () => {
    const { id, session } = await held();
    await cancelJob(db, id, "no longer wanted");
    expect(await rescued(session)).toMatchObject([{ id, state: "cancelled" }]);
    expect(await jobRow(db, id)).toMatchObject({ state: "cancelled", reason: "no longer wanted", crashes: 1 });
  });

  test.each([
    { crash: 1, seconds: 0 },
    { crash: 2, seconds: 1 },
    { crash: 3, seconds: 3 },
    { crash: 4, seconds: 7 },
    { crash: 100, seconds: 60 },
  ])("after crash $crash comes back at random within $seconds s", async ({ crash, seconds }) => {
    const session = await sessionOf(db);
    await enqueueMany(
      db,
      job,
      Array.from({ length: 100 }, (_, n) => n),
      { queue: "random" },
    );
    await claimAs(db, session, { queue: "random" });
    await sql`update soniq_jobs set crashes = ${crash - 1} where queue = 'random'`;
    await endSession(db, session);
    const [before] = await sql<{ now: Date }[]>`select now()`;
    expect(await rescueFromEnded(db, 1_000, { limit: 100 })).toHaveLength(100);
    const [wait] = await sql<{ least: number; most: number; spread: number }[]>`
      select extract(epoch from min(run_at) - ${(before as { now: Date }).now})::float8 as least,
        extract(epoch from max(run_at) - now())::float8 as most,
        extract(epoch from max(run_at) - min(run_at))::float8 as spread
      from soniq_jobs where queue = 'random'`;
    const { least, most, spread } = wait as { least: number; most: number; spread: number };
    expect(least).toBeGreaterThanOrEqual(0);
    expect(most).toBeLessThanOrEqual(seconds);
    expect(spread).toBeGreaterThanOrEqual(seconds / 2);
  });

  test("is rescued once, by whomever", async () => {
    const session = await sessionOf(db);
    const jobs = await enqueueMany(
      db,
      job,
      Array.from({ length: 200 }, (_, n) => n),
      { queue: "once" },
    );
    await claimAs(db, session, { queue: "once", limit: 200 });
    await endSession(db, session);
    const rescues = await Promise.all(Array.from({ length: 5 }, () => rescueFromEnded(db, maxCrashes, { limit: 200 })));
    expect(rescues.flat()).toHaveLength(jobs.length);
    const crashes = await sql`select distinct crashes, attempt from soniq_jobs where queue = 'once'`;
    expect([...crashes]).toEqual([{ crashes: 1, attempt: 0 }]);
  });

  test("does not keep the others waiting while somebody has locked its row", async () => {
    const first = await held();
    const second = await held();
    const release = await transactionWith(sql, `select from soniq_jobs where id = ${first.id} for update`);
    await endSession(db, first.session);
    expect(await rescued(second.session)).toMatchObject([{ id: second.id }]);
    await release();
    expect(await rescued(first.session)).toMatchObject([{ id: first.id }]);
  });
});

test("jobs whose keys others hold by now come back beside these, none of them without the rest", async () => {
  const keyed = defineJob({ name: "keyed", queue: "unlucky", payload: v.string(), unique: { by: (key) => key } });
  const keys = ["a", "b", "c"];
  await enqueueMany(db, keyed, keys);
  await sql`update soniq_jobs set unique_until = 'started'`;
  const session = await sessionOf(db);
  const lost = (await claimAs(db, session, { queue: "unlucky" })).map(({ id }) => id);
  const holders = await enqueueMany(db, keyed, ["a", "c"]);
  expect(holders.map(({ deduplicated }) => deduplicated)).toEqual([false, false]);
  expect((await rescued(session)).map(({ id, state }) => [id, state])).toEqual(lost.map((id) => [id, "queued"]));
  // Who asks for a key is told of its holder, which is never the one that came back.
  const told = await enqueueMany(db, keyed, keys);
  expect(told.map(({ deduplicated }) => deduplicated)).toEqual([true, false, true]);
  expect(told.map(({ id }) => id)).toEqual([holders[0]?.id, expect.any(Number), holders[1]?.id]);
  const worker = await startWorker({
    connection: url,
    jobs: { keyed },
    handlers: { keyed: () => {} },
    pollInterval: "50ms",
  });
  await Promise.all([...lost, ...told.map(({ id }) => id)].map((id) => worker.settled(id, "completed")));
});

describe("a session", () => {
  test("whose lease ran out is ended, and no other", async () => {
    const [dead, live] = [await sessionOf(db), await sessionOf(db)];
    await expireLease(sql, dead);
    expect(await expireSessions(db)).toEqual([dead]);
    expect(await expireSessions(db)).toEqual([]);
    expect(await beat(db, dead, 60_000)).toBe(false);
    expect(await beat(db, live, 60_000)).toBe(true);
  });

  test("that beats at the last moment lives on", async () => {
    const { id, session } = await held();
    await expireLease(sql, session);
    const commit = await transactionWith(
      sql,
      `update soniq_workers set lease_expires_at = now() + interval '1 minute' where id = '${session}'`,
    );
    expect(await expireSessions(db)).toEqual([]);
    await commit();
    expect(await expireSessions(db)).toEqual([]);
    expect(await rescueFromEnded(db, maxCrashes, { limit: 100 })).toEqual([]);
    expect(await jobRow(db, id)).toMatchObject({ state: "active", workerId: session });
  });
});

describe("a session that has ended", () => {
  beforeEach(() => sql`delete from soniq_workers`);

  const longAgo = (session: string) =>
    sql`update soniq_workers set ended_at = now() - interval '1 hour' where id = ${session}`;

  test("is asked about while it holds a job, or a claim of it may be under way", async () => {
    const { session: holder } = await held();
    const [empty, fresh] = [await sessionOf(db), await sessionOf(db)];
    for (const session of [holder, empty, fresh]) await endSession(db, session);
    await longAgo(holder);
    await longAgo(empty);
    const found = await findEndedSessions(db, [], 60_000);
    expect(new Set(found)).toEqual(
      new Set([
        { id: holder, holdsJobs: true, isFinal: true },
        { id: empty, holdsJobs: false, isFinal: true },
        { id: fresh, holdsJobs: false, isFinal: false },
      ]),
    );
    expect(await findEndedSessions(db, [holder, empty], 60_000)).toEqual([
      { id: fresh, holdsJobs: false, isFinal: false },
    ]);
  });

  test("gives its jobs back, also one that was locked at first; then it is asked about no more", async () => {
    const recorded = recordedDatabase(url);
    const settings = parseConfig({ connection: url, jobs: { job }, handlers: {} });
    const [duty] = createRescueTasks(
      recorded.db,
      async () => {},
      settings,
      () => {},
    );
    const sweep = () => duty?.run(new AbortController().signal);
    const asked = () => recorded.sent.findLast(({ statement }) => statement.includes("is not null, "))?.parameters;
    const { id, session } = await held();
    await endSession(db, session);
    await longAgo(session);

    const unlock = await transactionWith(sql, `select from soniq_jobs where id = ${id} for update`);
    await sweep();
    expect(await jobRow(db, id)).toMatchObject({ state: "active" });
    await unlock();
    await sweep();
    expect(await jobRow(db, id)).toMatchObject({ state: "queued", workerId: null });
    await sweep();
    expect(asked()).not.toContain(`{${session}}`);
    await sweep();
    expect(asked()).toContain(`{${session}}`);
  });
});
