// Promise 5. How the jobs come back, and how often, is in test/worker/rescue.test.ts.
import { expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { parseConfig } from "../../src/worker/settings/settings.ts";
import { hold } from "../support/child.config.ts";
import { openLedger, startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { claimAs, expireLease, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const soon = { rescueInterval: "200ms", pollInterval: "200ms" } as const;

test("by default that is 20, 5 and 1 seconds", () => {
  const settings = parseConfig({ connection: url, jobs: {}, handlers: {} });
  expect(settings).toMatchObject({ leaseMs: 20_000, rescueIntervalMs: 5_000, pollIntervalMs: 1_000 });
});

// The bound is the test's timeout: far more than these three settings, and less than by default.
test("the job of a worker process that is killed is run by another", { timeout: 15_000 }, async () => {
  const ledger = await openLedger(sql);
  const doomed = startChild(url, { lease: "1s" });
  const { id } = await enqueue(db, hold, { n: 1 });
  await ledger.noted(1, "started");
  const heir = await startWorker({ connection: url, jobs: { hold }, handlers: { hold: () => {} }, ...soon });
  doomed.kill("SIGKILL");
  await heir.settled(id, "completed");
  const rescued = await heir.event("rescued");
  expect(rescued.jobs).toEqual([{ id, name: "hold", queue: "default", state: "queued", reason: null }]);
  expect(await jobRow(db, id)).toMatchObject({ claims: 2, attempt: 1, crashes: 1, errors: [] });
});

test("also when it held very many, and when several died", { timeout: 15_000 }, async () => {
  const many = defineJob({ name: "many", queue: "many", payload: v.number(), run: () => {} });
  await enqueueMany(
    db,
    many,
    Array.from({ length: 700 }, (_, n) => n),
  );
  for (let worker = 0; worker < 3; worker += 1) {
    const session = await sessionOf(db);
    await until(async () => (await claimAs(db, session, { queue: "many", limit: 220 })).length);
    await expireLease(sql, session);
  }
  const queues = { many: { concurrency: 50 } };
  // One sweep, as it starts, finds them all.
  await startWorker({ connection: url, jobs: { many }, handlers: {}, queues, ...soon, rescueInterval: "1h" });
  await until(async () => {
    const [left] = await sql`select from soniq_jobs where queue = 'many' and state <> 'completed' limit 1`;
    return !left;
  });
  const ended =
    await sql`select crashes, attempt, count(*)::int as jobs from soniq_jobs where queue = 'many' group by 1, 2 order by 1`;
  expect([...ended]).toEqual([
    { crashes: 0, attempt: 1, jobs: 40 },
    { crashes: 1, attempt: 1, jobs: 660 },
  ]);
});

test("also when every slot is in use and a backlog waits", { timeout: 15_000 }, async () => {
  const busy = defineJob({
    name: "busy",
    queue: "busy",
    payload: v.number(),
    run: async (n) => void (await enqueue(db, busy, n)),
  });
  const victim = defineJob({ name: "victim", queue: "busy", payload: v.number(), run: () => {} });
  const victims = await enqueueMany(db, victim, [1, 2, 3, 4, 5]);
  const session = await sessionOf(db);
  await claimAs(db, session, { queue: "busy" });
  await enqueueMany(
    db,
    busy,
    Array.from({ length: 50 }, (_, n) => n),
  );
  const queues = { busy: { concurrency: 2 } };
  const worker = await startWorker({ connection: url, jobs: { busy, victim }, handlers: {}, queues, ...soon });
  await until(async () => worker.events.length > 200);
  await expireLease(sql, session);
  const settled = await Promise.all(victims.map(({ id }) => worker.settled(id, "completed")));
  expect(settled.map(({ job }) => job.crashes)).toEqual([1, 1, 1, 1, 1]);
});
