// Promise 3.
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import type { ClaimedJob } from "../../src/jobs/claim/claim.ts";
import { deleteCompleted } from "../../src/jobs/settle/delete-completed.ts";
import { rescueFromEnded, rescueOverdue } from "../../src/jobs/upkeep/rescue.ts";
import { settle, settleUnlocked } from "../../src/jobs/settle/settle.ts";
import { endSession } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const completed = { kind: "completed", result: null } as const;

describe("each claim has one winner", () => {
  test("workers that claim at the same time never get the same job", async () => {
    const crowd = defineJob({ name: "crowd", queue: "crowd", payload: v.number() });
    const enqueued = await enqueueMany(
      db,
      crowd,
      Array.from({ length: 1_000 }, (_, n) => n),
    );
    const claimed = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const session = await sessionOf(db);
        const mine: ClaimedJob[] = [];
        for (let more = true; more;) {
          const jobs = await claimAs(db, session, { queue: "crowd", limit: 7 });
          mine.push(...jobs);
          more = jobs.length > 0;
        }
        return mine;
      }),
    );
    const ids = claimed.flat().map(({ id }) => id);
    expect(ids.toSorted((a, b) => a - b)).toEqual(enqueued.map(({ id }) => id));
  });

  test("two workers run each of two thousand jobs once", async () => {
    await sql`create table ledger (n int)`;
    const count = defineJob({
      name: "count",
      queue: "count",
      payload: v.number(),
      run: async (n) => void (await sql`insert into ledger values (${n})`),
    });
    const config = { connection: url, jobs: { count }, handlers: {}, queues: { count: { concurrency: 5 } } };
    await Promise.all([startWorker(config), startWorker(config)]);
    const payloads = Array.from({ length: 2_000 }, (_, n) => n);
    await enqueueMany(db, count, payloads);
    await until(async () => {
      const [left] = await sql`select from soniq_jobs where queue = 'count' and state <> 'completed' limit 1`;
      return !left;
    });
    const ran = await sql<{ n: number }[]>`select n from ledger order by n`;
    expect(ran.map(({ n }) => n)).toEqual(payloads);
    const claims = await sql`select distinct claims, attempt from soniq_jobs where queue = 'count'`;
    expect([...claims]).toEqual([{ claims: 1, attempt: 1 }]);
  });
});

describe("a stale worker settles nothing of a job that", () => {
  const job = defineJob({ name: "stale", queue: "stale", payload: v.null() });

  /** What may have happened to a job since its worker claimed it. */
  const sinceThen: Record<string, (held: ClaimedJob, worker: string) => Promise<unknown>> = {
    "was rescued, and waits": async (_, worker) => {
      await endSession(db, worker);
      await rescueFromEnded(db, 5, { limit: 100 });
    },
    "was rescued, and is another's": async (_, worker) => {
      await endSession(db, worker);
      await rescueFromEnded(db, 5, { limit: 100 });
      await until(async () => (await claimAs(db, await sessionOf(db), { queue: "stale" })).length);
    },
    "passed its deadline, and waits": async ({ id }) => {
      await sql`update soniq_jobs set deadline_at = now() - interval '1 second' where id = ${id}`;
      await rescueOverdue(db, { limit: 100 });
    },
    "was completed before": async ({ id, claimToken }, worker) =>
      settle(db, worker, [{ id, claimToken, outcome: completed }]),
    "was snoozed before": async ({ id, claimToken }, worker) =>
      settle(db, worker, [{ id, claimToken, outcome: { kind: "snoozed", delayMs: 0 } }]),
    "was released before, and is held by the same worker again": async ({ id, claimToken }, worker) => {
      await settle(db, worker, [{ id, claimToken, outcome: { kind: "released", delayMs: 0 } }]);
      await until(async () => (await claimAs(db, worker, { queue: "stale" })).length);
    },
    "failed before, and is held by the same worker again": async ({ id, claimToken }, worker) => {
      const error = { attempt: 1, worker, name: "Error", message: "once" };
      await settle(db, worker, [{ id, claimToken, outcome: { kind: "retried", delayMs: 0, error } }]);
      await until(async () => (await claimAs(db, worker, { queue: "stale" })).length);
    },
  };

  test.each(Object.entries(sinceThen))("%s", async (_, happens) => {
    const worker = await sessionOf(db);
    const { id } = await enqueue(db, job, null);
    const [held] = await claimAs(db, worker, { queue: "stale" });
    expect(held?.id).toBe(id);
    await happens(held as ClaimedJob, worker);
    const before = await jobRow(db, id);
    for (const write of [settle, settleUnlocked, deleteCompleted]) {
      expect(await write(db, worker, [{ ...(held as ClaimedJob), outcome: completed }])).toEqual([]);
    }
    expect(await jobRow(db, id)).toEqual(before);
    await sql`delete from soniq_jobs where id = ${id}`;
  });

  test("is another worker's", async () => {
    const { id } = await enqueue(db, job, null);
    const [held] = await claimAs(db, await sessionOf(db), { queue: "stale" });
    const stranger = await sessionOf(db);
    for (const write of [settle, settleUnlocked, deleteCompleted]) {
      expect(await write(db, stranger, [{ ...(held as ClaimedJob), outcome: completed }])).toEqual([]);
    }
    expect(await jobRow(db, id)).toMatchObject({ state: "active" });
    await sql`delete from soniq_jobs where id = ${id}`;
  });

  test("is settled twice at the same time: one of them writes", async () => {
    const worker = await sessionOf(db);
    await enqueue(db, job, null);
    const [held] = await claimAs(db, worker, { queue: "stale" });
    const settlement = [{ ...(held as ClaimedJob), outcome: completed }];
    const written = await Promise.all([settle(db, worker, settlement), settle(db, worker, settlement)]);
    expect(written.flat()).toEqual([{ id: held?.id, claimToken: held?.claimToken, state: "completed" }]);
  });

  test("stands in a batch beside jobs that are still its own", async () => {
    const worker = await sessionOf(db);
    await enqueueMany(db, job, [null, null]);
    const [first, second] = (await claimAs(db, worker, { queue: "stale" })) as [ClaimedJob, ClaimedJob];
    const stale = { ...first, claimToken: first.claimToken + 1, outcome: completed };
    expect(await settle(db, worker, [stale, { ...second, outcome: completed }])).toEqual([
      { id: second.id, claimToken: second.claimToken, state: "completed" },
    ]);
    expect(await jobRow(db, first.id)).toMatchObject({ state: "active", workerId: worker });
  });
});

test("what a worker did with a job that was taken from it is told as fenced, and the other worker's result stays", async () => {
  const slow = gate();
  let runs = 0;
  const started = gate();
  const race = defineJob({
    name: "race",
    queue: "race",
    payload: v.null(),
    result: v.string(),
    run: async () => {
      runs += 1;
      if (runs > 1) return "the second";
      started.open();
      await slow.opened;
      return "the first";
    },
  });
  // A lease so long that no beat asks for the job meanwhile.
  const queues = { race: { concurrency: 1 } };
  const config = { connection: url, jobs: { race }, handlers: {}, queues, lease: "1h" } as const;
  const first = await startWorker(config);
  const { id } = await enqueue(db, race, null);
  await started.opened;
  const second = await startWorker({ ...config, rescueInterval: "50ms", pollInterval: "50ms" });
  await sql`update soniq_jobs set deadline_at = now() - interval '1 second' where id = ${id}`;
  await rescueOverdue(db, { limit: 100 });
  await second.settled(id, "completed");
  slow.open();
  const fenced = await first.event("fenced");
  expect(fenced.job.id).toBe(id);
  expect(await jobRow(db, id)).toMatchObject({ state: "completed", result: "the second", claims: 2 });
});
