// What a worker says of its own health. That probes can ask for it over HTTP: test/cli/health-port.test.ts.
import postgres from "postgres";
import { afterAll, describe, expect, inject, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany, type Health } from "../../src/index.ts";
import { assessHealth, type Vitals } from "../../src/worker/health.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { observedWorker, startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
// A database cannot be closed from within.
const admin = postgres(inject("postgresUrl"), { max: 1 });
afterAll(() => admin.end());

const well: Vitals = {
  leaseMs: 20_000,
  leaseAgeMs: 4_000,
  beatEveryMs: 5_000,
  silentMs: 4_000,
  failingClaims: [{ queue: "mails", forMs: 0 }],
  unansweredSettlesMs: 0,
  loops: [{ operation: "claiming from default", everyMs: 1_000, msSinceLastIteration: 900 }],
  slots: 3,
  unresponsiveMs: [],
  listening: true,
};

describe("from what it knows, a worker", () => {
  test("is well", () => {
    expect(assessHealth(well)).toEqual({ state: "working", live: true, ready: true, reasons: [] });
  });

  test.each<[string, Partial<Vitals>, Pick<Health, "live" | "ready">, RegExp]>([
    ["PostgreSQL is silent", { silentMs: 12_000 }, { live: true, ready: false }, /answered no heartbeat for 12 s/],
    ["its lease is over", { leaseAgeMs: 20_001 }, { live: true, ready: false }, /its lease has expired/],
    [
      "its claims fail",
      { failingClaims: [{ queue: "mails", forMs: 7_000 }] },
      { live: true, ready: false },
      /claims have failed for 7 s, from mails/,
    ],
    [
      "its settles are not answered",
      { unansweredSettlesMs: 7_000 },
      { live: true, ready: false },
      /answered no settle for 7 s/,
    ],
    [
      "a loop does not move",
      { loops: [{ operation: "claiming from default", everyMs: 1_000, msSinceLastIteration: 150_000 }] },
      { live: false, ready: false },
      /claiming from default is stuck for 3 min: restart/,
    ],
    [
      "there are as many stubborn handlers as slots",
      { unresponsiveMs: [1, 2, 3] },
      { live: false, ready: false },
      /3 slots, and 3 handlers that do not end: restart/,
    ],
    [
      "a handler is stubborn",
      { unresponsiveMs: [61_000] },
      { live: true, ready: true },
      /1 handler has ignored the signal for up to 61 s: only a restart/,
    ],
    ["nobody can wake it up", { listening: false }, { live: true, ready: true }, /no wake-ups: .* polling only/],
  ])("is degraded when %s", (_, sign, expected, reason) => {
    expect(assessHealth({ ...well, ...sign })).toMatchObject({ state: "degraded", ...expected });
    expect(assessHealth({ ...well, ...sign }).reasons[0]).toMatch(reason);
  });

  test("takes a loop that comes round seldom for no stuck one", () => {
    const loops = [{ operation: "claiming from default", everyMs: 60_000, msSinceLastIteration: 150_000 }];
    expect(assessHealth({ ...well, loops })).toMatchObject({ live: true, ready: true });
  });
});

test("from its start to its end it says in what state it is", async () => {
  const finish = gate();
  const job = defineJob({ name: "states", queue: "states", payload: v.null(), run: () => finish.opened });
  const { worker } = observedWorker({ connection: url, jobs: { job }, handlers: {}, pollInterval: "100ms" });
  expect(worker.health()).toMatchObject({ state: "starting", live: true, ready: false });
  await worker.start();
  expect(worker.health()).toEqual({ state: "working", live: true, ready: true, reasons: [] });
  await enqueue(db, job, null);
  await until(async () => (await sql`select from soniq_jobs where queue = 'states' and state = 'active'`).length > 0);
  const stopping = worker.stop();
  await until(async () => worker.health().state === "stopping");
  expect(worker.health()).toMatchObject({
    live: true,
    ready: false,
    reasons: [expect.stringContaining("shutting down")],
  });
  finish.open();
  await stopping;
  expect(worker.health()).toMatchObject({ state: "stopped", live: true, ready: false });
});

test("while PostgreSQL lets nobody in it is not ready, yet live, and says so once; then that all is well", async () => {
  const job = defineJob({ name: "away", queue: "away", payload: v.null(), run: () => {} });
  const { worker, event, events } = await startWorker({
    connection: url,
    jobs: { job },
    handlers: {},
    pollInterval: "50ms",
    lease: "2s",
  });
  const database = new URL(url).pathname.slice(1);
  await admin.unsafe(`alter database ${database} allow_connections false`);
  await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${database} and application_name = 'soniq-drizzle'`;
  await event("degraded", ({ ready, reasons }) => !ready && /answered no heartbeat for \d+ s/.test(reasons.join()));
  expect(worker.health()).toMatchObject({ state: "degraded", live: true, ready: false });
  await until(async () => worker.health().reasons.some((reason) => reason.includes("lease has expired")));
  await admin.unsafe(`alter database ${database} allow_connections true`);
  await event("recovered");
  expect(worker.health()).toEqual({ state: "working", live: true, ready: true, reasons: [] });
  const told = events.flatMap((one) =>
    one.type === "degraded" ? [`degraded, ready ${one.ready}`] : one.type === "recovered" ? ["recovered"] : [],
  );
  expect(told.filter((what, i) => what === told[i - 1])).toEqual([]);
});

test("handlers that ignore their signal are counted until they end; as many as there are slots, and it is not live", async () => {
  const started: (() => void)[] = [];
  const job = defineJob({
    name: "stubborn",
    queue: "stubborn",
    payload: v.null(),
    timeout: "50ms",
    maxAttempts: 1,
    run: () => new Promise<void>((end) => started.push(end)),
  });
  const queues = { stubborn: { concurrency: 2 } };
  const { worker, event, settled } = await startWorker({ connection: url, jobs: { job }, handlers: {}, queues });
  const { id } = await enqueue(db, job, null);
  await settled(id, "dead");
  expect(worker.health()).toMatchObject({ state: "degraded", live: true, ready: true });
  expect(worker.health().reasons).toEqual([expect.stringMatching(/^1 handler has ignored the signal/)]);
  const more = await enqueueMany(db, job, [null]);
  await settled((more[0] as { id: number }).id, "dead");
  expect(worker.health()).toMatchObject({ live: false, ready: false });
  for (const end of started) end();
  await event("recovered");
  expect(worker.health()).toEqual({ state: "working", live: true, ready: true, reasons: [] });
});
