// A worker behind PgBouncer in transaction mode, which gives it no session of its own: it finds that out, and does without.
import { sql as statement } from "drizzle-orm";
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as v from "valibot";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { cancelJob, defineJob, enqueue, enqueueMany, migrate, type WorkerConfig } from "../../src/index.ts";
import { connect } from "../../src/database/connect.ts";
import { findRoute } from "../../src/database/find-route.ts";
import { startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { transactionWith } from "../support/locks.ts";
import { pgbouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { claimAs, expireLease, sessionOf } from "../support/sessions.ts";
import { observedWorker, startWorker } from "../support/worker.ts";

const { url, db: direct, sql } = await testDatabase();

test("without a pooler none is found, nor where the connection string sets parameters of its own", async () => {
  expect(await findRoute(url)).toBe("direct");
  expect(await findRoute(`${url}?lock_timeout=1s`)).toBe("direct");
});

/** What PgBouncer may be told to overlook: then it takes the parameters, and does nothing with them. */
const overlooked =
  "lock_timeout, statement_timeout, default_transaction_isolation, idle_in_transaction_session_timeout";
const variants = [
  ["refuses a session's parameters", {}],
  ["ignores them", { ignore_startup_parameters: overlooked }],
] as const;
const missing = pgbouncer ? "" : " (skipped: PgBouncer is not installed; on Debian, `apt-get install pgbouncer`)";

describe.skipIf(!pgbouncer).each(variants)(`behind a PgBouncer that %s${missing},`, (_, settings) => {
  let through: string;
  /** Drizzle as an application has it that goes through the pooler, too. */
  let db: PostgresJsDatabase;
  beforeAll(async () => {
    const { url: entrance, stop } = await startPgBouncer(url, settings);
    through = entrance;
    const client = postgres(through, { max: 2, prepare: false, onnotice: () => {} });
    db = drizzle({ client });
    return async () => {
      await client.end({ timeout: 1 });
      stop();
    };
  });
  const work = (config: Pick<WorkerConfig, "jobs"> & Partial<WorkerConfig>) =>
    startWorker({ connection: through, handlers: {}, pollInterval: "100ms", ...config });

  test("it is found", async () => {
    expect(await findRoute(through)).toBe("pooled");
  });

  test("statements are answered, however many are sent at once, with parameters and without", async () => {
    const { db: pooled, close } = connect(through, 2, { route: "pooled", replyTimeoutMs: 10_000 });
    onTestFinished(close);
    const one = (n: number) =>
      pooled.execute(n % 2 ? statement`select ${n}::int as n` : statement.raw(`select ${n} as n`));
    const answers = await Promise.all(Array.from({ length: 100 }, (_unused, n) => one(n)));
    expect(answers).toEqual(Array.from({ length: 100 }, (_unused, n) => [{ n }]));
  });

  test("the tables can be made through it", async () => {
    const empty = await testDatabase({ migrated: false });
    const pooled = new URL(through);
    pooled.pathname = new URL(empty.url).pathname;
    const { db: migrating, close } = connect(pooled.href, 1, { route: "pooled", use: "transactions" });
    onTestFinished(close);
    expect((await migrate(migrating))[0]).toMatch(/^0000_soniq/);
    expect(await migrate(migrating)).toEqual([]);
  });

  test("a worker runs what is enqueued through it, and retries", async () => {
    const job = defineJob({
      name: "retried",
      payload: v.number(),
      backoff: () => "10ms",
      run(_n, { attempt }) {
        if (attempt === 1) throw new Error("again");
      },
    });
    const { settled } = await work({ jobs: { job } });
    const { id } = await enqueue(db, job, 1);
    await db.transaction((tx) => enqueueMany(tx, job, [2, 3]));
    await settled(id, "completed");
    expect(await jobRow(direct, id)).toMatchObject({ attempt: 2, claims: 2 });
  });

  test("it listens to nothing, and has nobody ring for it", async () => {
    const job = defineJob({ name: "silent", queue: "silent", payload: v.null(), run: () => {} });
    const { settled, events } = await work({ jobs: { job } });
    await settled((await enqueue(db, job, null)).id, "completed");
    expect(await sql`select from soniq_workers where ended_at is null and idle_queues <> '[]'`).toHaveLength(0);
    expect(
      await sql`select from pg_stat_activity where datname = current_database() and query ilike 'listen%'`,
    ).toEqual([]);
    expect(events.filter(({ type }) => type === "error")).toEqual([]);
  });

  test("it drains", async () => {
    const job = defineJob({ name: "drained", queue: "drained", payload: v.number(), run: () => {} });
    await enqueueMany(
      db,
      job,
      Array.from({ length: 700 }, (_unused, n) => n),
    );
    const { worker } = observedWorker({ connection: through, jobs: { job }, handlers: {} });
    await worker.drain({ wait: 0 });
    expect(await sql`select state, count(*)::int from soniq_jobs where queue = 'drained' group by state`).toEqual([
      { state: "completed", count: 700 },
    ]);
  });

  test("it hears of a cancellation with a beat", async () => {
    const started = gate();
    const job = defineJob({
      name: "cancelled",
      queue: "cancelled",
      payload: v.null(),
      run: (_nothing, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
          started.open();
        }),
    });
    const { settled } = await work({ jobs: { job }, lease: "4s" });
    const { id } = await enqueue(db, job, null);
    await started.opened;
    await cancelJob(db, id, "changed my mind");
    await settled(id, "cancelled");
    expect(await jobRow(direct, id)).toMatchObject({ reason: "changed my mind" });
  });

  test("it rescues the jobs of a dead worker", async () => {
    const job = defineJob({ name: "rescued", queue: "rescued", payload: v.null(), run: () => {} });
    const { id } = await enqueue(db, job, null);
    const dead = await sessionOf(db);
    expect(await claimAs(db, dead, { queue: "rescued" })).toHaveLength(1);
    await expireLease(sql, dead);
    const { settled } = await work({ jobs: { job }, rescueInterval: "200ms" });
    await settled(id, "completed");
    expect(await jobRow(direct, id)).toMatchObject({ crashes: 1, claims: 2 });
  });

  test("a row that somebody has locked holds up no other, although no lock_timeout ends a wait", async () => {
    const finish = gate();
    let running = 0;
    const started = gate();
    const run = async () => {
      running += 1;
      if (running === 2) started.open();
      await finish.opened;
    };
    const job = defineJob({ name: "locked", queue: "locked", payload: v.null(), run });
    const [locked, free] = (await enqueueMany(db, job, [null, null])).map(({ id }) => id) as [number, number];
    const { settled, events } = await work({ jobs: { job }, retention: { completed: 0 } });
    await started.opened;
    const release = await transactionWith(sql, `select from soniq_jobs where id = ${locked} for update`);
    finish.open();
    await settled(free, "completed");
    await settled((await enqueue(db, job, null)).id, "completed");
    expect(await jobRow(direct, locked)).toMatchObject({ state: "active" });
    await release();
    await settled(locked, "completed");
    expect(await jobRow(direct, locked)).toMatchObject({ claims: 1, attempt: 1 });
    // No statement waited for the row until it was given up.
    expect(events.filter((event) => event.type === "error" && event.operation.startsWith("settling"))).toEqual([]);
  });

  test("a worker of the command line says so", async () => {
    const child = startChild(through);
    await child.said("goes through a pooler");
    await child.said("polling every 0.2 s");
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });
});
