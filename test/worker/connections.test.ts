// How many connections a worker opens, and what becomes of it where PostgreSQL has none for it.
import { randomBytes } from "node:crypto";
import { sql as statement } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as v from "valibot";
import { describe, expect, onTestFinished, test } from "vitest";
import { findErrorCode } from "../../src/core/errors.ts";
import { findConnectionShortage } from "../../src/database/connection-limits.ts";
import { defineJob, enqueue, enqueueMany, migrate, type WorkerConfig } from "../../src/index.ts";
import { computeConnectionBudget, countConnections } from "../../src/worker/settings/connection-budget.ts";
import { startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import { startEmbeddedPostgres } from "../support/embedded-postgres.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { networkTo } from "../support/network.ts";
import { until } from "../support/until.ts";
import { isSettled, observedWorker, startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** A role that may open so many connections, and another number later. */
async function limitedRole(limit: number) {
  const role = `soniq_limited_${randomBytes(4).toString("hex")}`;
  await sql.unsafe(`
    create role ${role} login password 'limited' connection limit ${limit};
    grant select, insert, update, delete on all tables in schema public to ${role};
    grant usage on all sequences in schema public to ${role}`);
  onTestFinished(async () => {
    await sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  });
  const as = new URL(url);
  as.username = role;
  as.password = "limited";
  return {
    url: as.href,
    allow: async (connections: number) => void (await sql.unsafe(`alter role ${role} connection limit ${connections}`)),
    used: async () => (await sql`select from pg_stat_activity where usename = ${role}`).length,
  };
}

const noRoom = ({ error }: { error: unknown }) => findErrorCode(error) === "53300";

/** A job that ends at once, on a queue of its own. */
function jobOn(queue: string) {
  return defineJob({ name: queue, queue, payload: v.null(), run: () => {} });
}

describe("the budget", () => {
  test.each([
    [4, { engine: 1, beats: 1, listener: 1, transactions: 1 }],
    [6, { engine: 2, beats: 1, listener: 1, transactions: 2 }],
    [10, { engine: 4, beats: 1, listener: 1, transactions: 4 }],
    [50, { engine: 4, beats: 1, listener: 1, transactions: 30 }],
    [undefined, { engine: 4, beats: 1, listener: 1, transactions: 30 }],
  ])("of %s is shared out", (maxConnections, budget) => {
    expect(computeConnectionBudget({ maxConnections, queues: { a: 10, b: 20 } })).toEqual(budget);
    expect(countConnections(budget)).toBeLessThanOrEqual(maxConnections ?? Infinity);
  });

  test("below the fewest is refused with a sentence", () => {
    const configured = (maxConnections: number) => () =>
      observedWorker({ connection: url, jobs: {}, handlers: {}, maxConnections });
    expect(configured(3)).toThrow(
      "configuration: maxConnections must be at least 4: for claims and settles, the heartbeat, the listener, and a handler's transaction",
    );
    expect(configured(4)).not.toThrow();
  });

  test("is kept under load", async () => {
    const network = await networkTo(url);
    const job = defineJob({ name: "many", queue: "many", payload: v.number(), run: () => {} });
    const queues = { many: { concurrency: 20 }, other: { concurrency: 20 }, third: { concurrency: 20 } };
    await enqueueMany(
      db,
      job,
      Array.from({ length: 500 }, (_, n) => n),
      (n) => ({ queue: Object.keys(queues)[n % 3] as string }),
    );
    const config: WorkerConfig = { connection: network.url, jobs: { job }, handlers: {}, queues };
    const { events, worker } = await startWorker({ ...config, maxConnections: 4 });
    let most = 0;
    await until(async () => {
      most = Math.max(most, network.connections());
      return events.filter(isSettled).length === 500;
    });
    expect(most).toBeLessThanOrEqual(4);
    await worker.stop();
    await until(async () => network.connections() === 0);
    expect(network.connections()).toBe(0);
  });
});

test("a server without room for a worker is told of, with both numbers and what to do", async () => {
  expect(await findConnectionShortage(db, 3)).toBeUndefined();
  const [server] = await db.execute<{ most: number }>(
    statement`select current_setting('max_connections')::int as most`,
  );
  expect(await findConnectionShortage(db, server?.most as number)).toMatch(
    /^this worker opens up to \d+ connections, and PostgreSQL has room for \d+ now \(max_connections \d+, of which \d+ are reserved and \d+ in use\): raise max_connections, run fewer workers, or lower maxConnections/,
  );
});

test("a role or database that may not open as many connections as a worker needs is told of, as the worker starts too", async () => {
  const role = await limitedRole(9);
  const transactional = defineJob({ name: "mail", payload: v.null(), run: () => {} });
  const { event } = await startWorker({ connection: role.url, jobs: { transactional }, handlers: {} });
  const { error } = await event("error", ({ operation }) => operation === "checking its connection limit");
  expect((error as Error).message).toMatch(
    /^this worker opens up to 16 connections, and PostgreSQL has room for 9 now \(connection limit 9 of the role "soniq_limited_\w+", of which \d+ are in use\): raise it with alter role … connection limit …, run fewer workers/,
  );
  await role.allow(-1);
  const name = new URL(url).pathname.slice(1);
  await sql.unsafe(`alter database ${name} connection limit 12`);
  const client = postgres(role.url, { max: 1, onnotice: () => {} });
  expect(await findConnectionShortage(drizzle({ client }), 16)).toMatch(
    /connection limit 12 of the database "soniq_test_\w+"/,
  );
  await client.end();
  await sql.unsafe(`alter database ${name} connection limit -1`);
});

test("a worker of the command line says so at its start, and works all the same", async () => {
  const small = await startEmbeddedPostgres({ fsync: "off", max_connections: "8" });
  onTestFinished(small.stop);
  const client = postgres(small.url, { max: 1, onnotice: () => {} });
  await migrate(drizzle({ client }));
  const child = startChild(small.url);
  await child.said(
    "this worker opens up to 9 connections, and PostgreSQL has room for 4 now (max_connections 8, of which 3 are reserved and 1 in use)",
  );
  await until(async () => (await client`select from soniq_workers where idle_queues ? 'default'`).length > 0);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  await client.end();
});

describe("where PostgreSQL has too few connections", () => {
  test("for a part of the budget, a worker works with what it gets", async () => {
    const role = await limitedRole(3);
    const job = jobOn("narrow");
    const ids = (
      await enqueueMany(
        db,
        job,
        Array.from({ length: 50 }, () => null),
      )
    ).map(({ id }) => id);
    const { settled } = await startWorker({ connection: role.url, jobs: { job }, handlers: {}, pollInterval: "50ms" });
    await Promise.all(ids.map((id) => settled(id, "completed")));
    expect(await role.used()).toBeLessThanOrEqual(3);
  });

  test("for even one, it waits, and begins when there is room", async () => {
    const role = await limitedRole(0);
    const job = jobOn("waiting");
    const { worker, event, settled } = observedWorker({
      connection: role.url,
      jobs: { job },
      handlers: {},
      pollInterval: "50ms",
    });
    const starting = worker.start();
    await event("error", noRoom);
    // Enough for claims, not for the heartbeat.
    await role.allow(1);
    await until(async () => (await role.used()) === 1);
    await role.allow(6);
    await starting;
    const { id } = await enqueue(db, job, null);
    await settled(id, "completed");
    expect(await jobRow(db, id)).toMatchObject({ claims: 1 });
  });

  test("for even one, a worker of the command line says so and waits", async () => {
    const role = await limitedRole(0);
    const child = startChild(role.url);
    await child.said("warning: PostgreSQL has no connection left");
    await child.said("failed while connecting, retrying");
    await role.allow(6);
    await until(async () => (await role.used()) > 2);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("a worker that waits for one can be stopped", async () => {
    const role = await limitedRole(0);
    const { worker, event } = observedWorker({ connection: role.url, jobs: {}, handlers: {} });
    const refused = gate<unknown>();
    worker.start().catch(refused.open);
    await event("error", noRoom);
    await worker.stop();
    expect(findErrorCode(await refused.opened)).toBe("53300");
  });

  test("since it lost its own to others, it goes on when they are given back", async () => {
    const role = await limitedRole(6);
    const job = jobOn("lost");
    const { event, settled } = await startWorker({
      connection: role.url,
      jobs: { job },
      handlers: {},
      pollInterval: "50ms",
      lease: "4s",
    });
    await settled((await enqueue(db, job, null)).id, "completed");
    await role.allow(0);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${new URL(role.url).username}`;
    await event("error", ({ operation, error }) => operation.startsWith("claiming") && noRoom({ error }));
    await event("error", ({ operation, error }) => operation === "extending the lease" && noRoom({ error }));
    const { id } = await enqueue(db, job, null);
    await role.allow(6);
    await settled(id, "completed");
    expect(await jobRow(db, id)).toMatchObject({ attempt: 1 });
  });
});

test("an idle worker sends no more than three statements a second", async () => {
  const network = await networkTo(url);
  const job = defineJob({ name: "rare", queue: "default", payload: v.null(), run: () => {} });
  await startWorker({ connection: network.url, jobs: { job }, handlers: {} });
  await until(async () => (await sql`select from soniq_workers where idle_queues ? 'default'`).length > 0);
  // Past the start, at which every duty is done once.
  const beats = async () =>
    Number((await sql`select extract(epoch from max(beat_at)) as at from soniq_workers`)[0]?.["at"]);
  const nextBeat = async () => {
    const last = await beats();
    await until(async () => (await beats()) > last);
    return { at: performance.now(), statements: network.statements() };
  };
  const before = await nextBeat();
  await nextBeat();
  const after = await nextBeat();
  expect(after.statements - before.statements).toBeGreaterThan(0);
  expect(after.statements - before.statements).toBeLessThanOrEqual((3 * (after.at - before.at)) / 1_000);
});
