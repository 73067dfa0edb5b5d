// The life of a worker's session, and what becomes of the jobs that no live session answers for.
import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, type WorkerConfig } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { type JobRow, jobRow } from "../support/job-row.ts";
import { transactionWith } from "../support/locks.ts";
import { claimAs, expireLease, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { isSettled, startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const row = async (id: number) => (await jobRow(db, id)) as JobRow;

/** A job that the test lets go, and a worker that runs it. */
async function holding(queue: string, config: Partial<WorkerConfig> = {}) {
  const signals: AbortSignal[] = [];
  const goOn = gate();
  const job = defineJob({
    name: queue,
    queue,
    payload: v.null(),
    result: v.number(),
    run: async (_, { signal }) => {
      const run = signals.push(signal);
      if (run === 1) await goOn.opened;
      return run;
    },
  });
  const { id } = await enqueue(db, job, null);
  const queues = { [queue]: { concurrency: 2 } };
  const observed = await startWorker({
    connection: url,
    jobs: { job },
    handlers: {},
    queues,
    pollInterval: "50ms",
    ...config,
  });
  await until(async () => signals.length === 1);
  return { ...observed, job, id, signals, goOn, session: (await row(id)).workerId as string };
}

async function endFromOutside(session: string): Promise<void> {
  await sql`update soniq_workers set ended_at = now() where id = ${session}`;
}

const liveSessions = async () => (await sql`select id from soniq_workers where ended_at is null`).map(({ id }) => id);

describe("a session", () => {
  test("says whose it is and what it works, and is live while the worker is", async () => {
    const { worker, goOn, session } = await holding("said", { lease: "1h" });
    const [said] =
      await sql`select host, pid, version, queues, ended_at, lease_expires_at > now() + interval '59 minutes' as leased
      from soniq_workers where id = ${session}`;
    expect(said).toMatchObject({ pid: process.pid, queues: { said: 2 }, ended_at: null, leased: true });
    goOn.open();
    await worker.stop();
    const [ended] = await sql`select ended_at, idle_queues from soniq_workers where id = ${session}`;
    expect(ended).toEqual({ ended_at: expect.any(Date), idle_queues: [] });
  });

  test("has its lease extended, again and again", async () => {
    const { session, goOn } = await holding("extended", { lease: "400ms" });
    const lease = async () =>
      (await sql`select lease_expires_at as until from soniq_workers where id = ${session}`)[0]?.["until"] as Date;
    for (let beats = 0; beats < 3; beats += 1) {
      const before = await lease();
      await until(async () => (await lease()) > before);
    }
    expect(await liveSessions()).toEqual([session]);
    goOn.open();
  });

  test("that was ended from outside begins anew under another id; what it ran is aborted, and run again", async () => {
    const { id, session, signals, goOn, event, settled, events } = await holding("anew", {
      lease: "400ms",
      rescueInterval: "50ms",
    });
    await endFromOutside(session);
    await event("session-lost");
    await until(async () => signals[0]?.aborted);
    expect(signals[0]?.reason).toMatchObject({ message: "the job was taken from this worker" });
    await settled(id, "completed");
    goOn.open();
    const { lastWorkerId, ...rest } = await row(id);
    expect(rest).toMatchObject({ result: 2, claims: 2, attempt: 1, crashes: 1, errors: [] });
    expect(lastWorkerId).not.toBe(session);
    expect(await liveSessions()).toEqual([lastWorkerId]);
    expect(events.filter(isSettled)).toHaveLength(1);
  });

  test("that begins anew says again where it waits for work", async () => {
    const { job, session, goOn, event, settled } = await holding("rung", { lease: "400ms", pollInterval: "500ms" });
    goOn.open();
    await endFromOutside(session);
    await event("session-lost");
    await until(
      async () =>
        (await sql`select from soniq_workers where ended_at is null and idle_queues @> '["rung"]'`).length > 0,
    );
    expect(await settled((await enqueue(db, job, null)).id)).toMatchObject({ state: "completed" });
  });

  test("that was ended from outside settles nothing that was taken from it", async () => {
    // No beat tells it: it learns as it settles.
    const { id, session, goOn, event, signals } = await holding("taken", { lease: "1h", rescueInterval: "50ms" });
    await endFromOutside(session);
    await event("rescued");
    expect(signals[0]?.aborted).toBe(false);
    goOn.open();
    const fenced = await event("fenced");
    expect(fenced).toMatchObject({ job: { id }, outcome: { kind: "completed", result: "1" } });
    expect(await row(id)).toMatchObject({ state: "queued", result: null, attempt: 0, crashes: 1 });
  });

  test("that has ended, or whose lease has run out, claims nothing", async () => {
    const [live, ended, expired] = [await sessionOf(db), await sessionOf(db), await sessionOf(db)];
    await endFromOutside(ended);
    await expireLease(sql, expired);
    const job = defineJob({ name: "claimed", queue: "claimed", payload: v.null() });
    const { id } = await enqueue(db, job, null);
    expect(await claimAs(db, ended, { queue: "claimed" })).toEqual([]);
    expect(await claimAs(db, expired, { queue: "claimed" })).toEqual([]);
    expect(await claimAs(db, live, { queue: "claimed" })).toMatchObject([{ id }]);
    await sql`delete from soniq_jobs where id = ${id}`;
  });

  test("is forgotten a while after it ended, unless a job is still in its hands", async () => {
    const [gone, recent, holds] = [await sessionOf(db), await sessionOf(db), await sessionOf(db)];
    const job = defineJob({ name: "forgotten", queue: "forgotten", payload: v.null() });
    await enqueue(db, job, null);
    await claimAs(db, holds, { queue: "forgotten" });
    await sql`update soniq_workers set ended_at = now() - case when id = ${recent} then interval '1 minute' else interval '1 hour' end
      where id in (${gone}, ${recent}, ${holds})`;
    const commit = await transactionWith(sql, "select from soniq_jobs where queue = 'forgotten' for update");
    await startWorker({ connection: url, jobs: {}, handlers: {}, rescueInterval: "1h" });
    await until(async () => (await sql`select from soniq_workers where id = ${gone}`).length === 0);
    expect(await sql`select from soniq_workers where id in (${recent}, ${holds})`).toHaveLength(2);
    await commit();
  });
});

test("a claim whose reply was lost is given back, when a claim has failed", async () => {
  const { id: running, job, session, goOn, event, settled } = await holding("lost", { lease: "2s" });
  // Claimed in the worker's name, and unknown to it.
  const { id } = await enqueue(db, job, null, { queue: "elsewhere" });
  await claimAs(db, session, { queue: "elsewhere" });
  await sql`update soniq_jobs set queue = 'lost', claimed_at = now() - interval '21 seconds' where id in (${id}, ${running})`;
  const commit = await transactionWith(sql, "lock table soniq_jobs in access exclusive mode");
  await event("error", ({ operation }) => operation === "claiming from lost");
  await commit();
  await settled(id, "completed");
  expect(await row(id)).toMatchObject({ claims: 2, attempt: 1, crashes: 0, errors: [] });
  // What the worker knows to be its own is not given back, however long ago it was claimed.
  expect(await row(running)).toMatchObject({ state: "active", claims: 1 });
  goOn.open();
  await settled(running, "completed");
});

describe("at its start a worker finds", () => {
  const job = defineJob({ name: "found", queue: "found", payload: v.null(), run: () => {} });
  const config = { connection: url, jobs: { job }, handlers: {} };
  const one = { maxAttempts: 1 };

  /** A job that a worker which lives has claimed, and let pass its deadline. */
  async function overdue(options = {}): Promise<number> {
    const { id } = await enqueue(db, job, null, options);
    await claimAs(db, await sessionOf(db), { queue: "found" });
    await sql`update soniq_jobs set deadline_at = now() - interval '1 second' where id = ${id}`;
    return id;
  }

  /** A job whose session is not there any more. */
  async function stray(options = {}): Promise<number> {
    const id = await overdue(options);
    await sql`update soniq_jobs set worker_id = ${randomUUID()}, deadline_at = now() + interval '1 hour' where id = ${id}`;
    return id;
  }

  test("a job of a session that is not there: it costs no attempt", async () => {
    const id = await stray(one);
    const { settled, event } = await startWorker(config);
    expect(await event("rescued")).toMatchObject({ jobs: [{ id, name: "found", queue: "found", state: "queued" }] });
    await settled(id, "completed");
    expect(await row(id)).toMatchObject({ claims: 2, attempt: 1, crashes: 1, errors: [] });
  });

  test("a job that has crashed too many workers: it is a dead letter", async () => {
    const id = await stray();
    await sql`update soniq_jobs set crashes = 2 where id = ${id}`;
    const { event } = await startWorker({ ...config, maxCrashes: 3 });
    await event("rescued");
    expect(await row(id)).toMatchObject({ state: "dead", reason: "crashed 3 workers", crashes: 3, attempt: 0 });
  });

  test("a job that has passed its deadline: it costs the attempt, and runs again", async () => {
    const id = await overdue();
    const { lastWorkerId } = await row(id);
    const { settled } = await startWorker(config);
    await settled(id, "completed");
    const message = "the deadline passed and its worker did not end it";
    const error = { name: "TimeoutError", message, attempt: 1, worker: lastWorkerId, at: expect.any(String) };
    expect(await row(id)).toMatchObject({ claims: 2, attempt: 2, crashes: 0, errors: [error] });
  });

  test("a job that has passed its deadline in its last attempt: it is a dead letter", async () => {
    const id = await overdue(one);
    const { event } = await startWorker(config);
    expect(await event("rescued")).toMatchObject({ jobs: [{ id, state: "dead" }] });
    const reason = "out of attempts: the deadline passed and its worker did not end it";
    const { finishedAt, ...rest } = await row(id);
    expect(rest).toMatchObject({ state: "dead", reason, attempt: 1, workerId: null, deadlineAt: null });
    expect(finishedAt).toBeInstanceOf(Date);
  });

  test.each([
    ["has no session any more", stray],
    ["has passed its deadline", overdue],
  ])("a job that should be cancelled and %s: it is cancelled", async (_, make) => {
    const id = await make();
    await sql`update soniq_jobs set cancel_requested_at = now(), reason = 'not wanted' where id = ${id}`;
    const { event } = await startWorker(config);
    expect(await event("rescued")).toMatchObject({ jobs: [{ id, state: "cancelled" }] });
    expect(await row(id)).toMatchObject({ state: "cancelled", reason: "not wanted", workerId: null });
  });

  test("nothing to do about a job of a worker that lives", async () => {
    const healthy = await overdue();
    await sql`update soniq_jobs set deadline_at = now() + interval '1 hour' where id = ${healthy}`;
    const id = await stray();
    const { settled, events } = await startWorker(config);
    await settled(id, "completed");
    expect(await row(healthy)).toMatchObject({ state: "active", claims: 1 });
    expect(events.filter(({ type }) => type === "rescued")).toHaveLength(1);
  });
});

test("a job's deadline leaves room for its timeout, the wait in the buffer and the grace", async () => {
  const job = defineJob({ name: "timed", queue: "timed", payload: v.null(), timeout: "3m", run: () => {} });
  const { id } = await enqueue(db, job, null);
  const held = gate<JobRow>();
  const run = async () => held.open(await row(id));
  await startWorker({ connection: url, jobs: { job }, handlers: { job: run } });
  const { claimedAt, deadlineAt } = await held.opened;
  expect((deadlineAt?.getTime() as number) - (claimedAt?.getTime() as number)).toBe(180_000 + 2_000 + 10_000);
});
