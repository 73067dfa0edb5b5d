// A worker on PGlite, which has one session: the application, the engine and the transactions of handlers take turns.
// What those write, promise 4 says.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { eq, isNull, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/pglite";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import * as v from "valibot";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { soniqWorkers } from "../../schema/index.ts";
import {
  cancelJob,
  createWorker,
  defineConfig,
  defineJob,
  enqueue,
  type Health,
  type JobContext,
  migrate,
  type TransactionOf,
  type Worker,
  type WorkerConfig,
} from "../../src/index.ts";
import { pglite } from "../../src/database/pglite.ts";
import { postgresJs } from "../../src/database/postgres-js.ts";
import { endEarlierSessions, expireSessions } from "../../src/sessions/end-sessions.ts";
import { startChild } from "../support/child.ts";
import { effects } from "../support/effects.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { linger } from "../support/pglite.config.ts";
import { testPglite } from "../support/pglite.ts";
import { startWorker } from "../support/worker.ts";

const { client, db, connection } = await testPglite();
type Transaction = TransactionOf<typeof db>;
const rowOf = (id: number, of: unknown = db) => jobRow(of as PostgresJsDatabase, id);
let next = 0;

/** A worker of a queue of its own, where only wake-ups make it look soon. */
async function work(
  handle: (job: JobContext<Transaction>, n: number) => unknown,
  settings: Pick<WorkerConfig, "pollInterval" | "lease" | "rescueInterval"> & { timeout?: "1s" } = {},
) {
  const { timeout = "1m", ...others } = settings;
  const queue = `queue-${(next += 1)}`;
  const job = defineJob({ name: queue, queue, payload: v.number(), backoff: () => 0, timeout });
  const handlers = { job: async (n: number, context: JobContext<Transaction>) => void (await handle(context, n)) };
  const config = defineConfig({ connection, jobs: { job }, handlers, pollInterval: "1h", ...others });
  const observed = await startWorker(config);
  return { ...observed, config, job, enqueue: (n = next) => enqueue(db, job, n) };
}

/** As if so much more time had passed. */
function healthIn(ms: number, worker: Worker): Health {
  const clock = vi.spyOn(performance, "now").mockReturnValue(performance.now() + ms);
  try {
    return worker.health();
  } finally {
    clock.mockRestore();
  }
}

const written = async (n: number) => (await db.select().from(effects).where(eq(effects.n, n))).length;

test("an idle worker is woken by an enqueue, also by one in a transaction", async () => {
  const { settled, enqueue: one, job } = await work(() => {});
  const alone = await settled((await one()).id);
  const together = await settled((await db.transaction((tx) => enqueue(tx, job, 1))).id);
  expect([alone.state, together.state]).toEqual(["completed", "completed"]);
});

test("an attempt that throws is tried again, and a job that is due later runs then", async () => {
  const {
    settled,
    enqueue: one,
    job,
  } = await work(({ attempt }) => attempt === 1 && Promise.reject(new Error("once")));
  const { id } = await one();
  await settled(id, "completed");
  expect(await rowOf(id)).toMatchObject({ attempt: 2, errors: [{ message: "once" }] });
  const polling = await work(() => {}, { pollInterval: "50ms" });
  const later = await enqueue(db, polling.job, 1, { delay: "300ms" });
  await polling.settled(later.id, "completed");
  const row = await rowOf(later.id);
  expect(row?.finishedAt?.getTime()).toBeGreaterThanOrEqual(row?.runAt.getTime() as number);
  expect(job.name).not.toBe(polling.job.name);
});

test("a running job is cancelled at once", async () => {
  const started = gate();
  const { settled, enqueue: one } = await work(({ signal }) => {
    started.open();
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  });
  const { id } = await one();
  await started.opened;
  expect(await cancelJob(db, id, "no longer needed")).toBe("requested");
  await settled(id, "cancelled");
});

test("it drains, stops, and leaves PGlite open", async () => {
  let ran = 0;
  const { worker, enqueue: one } = await work(() => (ran += 1));
  for (let i = 0; i < 20; i += 1) await one();
  expect(await worker.drain({ wait: 0 })).toBe(true);
  expect(ran).toBe(20);
  expect(worker.health().state).toBe("stopped");
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  expect(await db.select().from(soniqWorkers).where(isNull(soniqWorkers.endedAt))).toEqual([]);
});

describe("a transaction of a handler", () => {
  test("that takes longer than the lease costs its worker no other job, nor its good health", async () => {
    const [begun, finish, health] = [gate(), gate(), gate<Health>()];
    const running = await work(
      async (job, n) => {
        if (n === 0) return finish.opened;
        return job.transaction(async (tx) => {
          await tx.insert(effects).values({ n });
          begun.open();
          await tx.execute(sql`select pg_sleep(0.5)`);
          health.open(healthIn(600_000, running.worker));
        });
      },
      { lease: "100ms", rescueInterval: "10ms", pollInterval: "10ms" },
    );
    const { worker, events, settled } = running;
    const other = await running.enqueue(0);
    const { id } = await running.enqueue();
    await begun.opened;
    expect(await health.opened).toMatchObject({ state: "working", live: true, ready: true });
    await settled(id, "completed");
    expect(await expireSessions(db)).toEqual([]);
    expect(await endEarlierSessions(db)).toEqual([]);
    finish.open();
    await settled(other.id, "completed");
    expect(await written(next)).toBe(1);
    for (const row of [await rowOf(id), await rowOf(other.id)])
      expect(row).toMatchObject({ claims: 1, attempt: 1, crashes: 0 });
    expect(events.map(({ type }) => type)).toEqual(["started", "started", "completed", "completed"]);
    expect(worker.health().state).toBe("working");
  });

  test("that waits for what itself is in the way of is left behind at its timeout", async () => {
    const { settled, enqueue: one } = await work(
      (job, n) =>
        job.transaction(async (tx) => {
          await tx.insert(effects).values({ n });
          if (job.attempt === 1) await db.select().from(effects);
        }),
      { timeout: "1s" },
    );
    const { id } = await one();
    await settled(id, "completed");
    expect(await rowOf(id)).toMatchObject({ attempt: 2, errors: [{ name: "TimeoutError" }] });
    expect(await written(next)).toBe(1);
  });

  test("takes turns with many others", async () => {
    const { settled, enqueue: one } = await work((job, n) => job.transaction((tx) => tx.insert(effects).values({ n })));
    const ids: number[] = [];
    for (let i = 0; i < 30; i += 1) ids.push((await one()).id);
    await Promise.all(ids.map((id) => settled(id, "completed")));
    expect(await written(next)).toBe(30);
  });
});

test("two workers of one process live side by side", async () => {
  const started = gate();
  const first = await work(
    async (_, n) => {
      if (n === 1) await started.opened;
    },
    { rescueInterval: "10ms" },
  );
  const { id } = await first.enqueue(1);
  const second = await work(() => {}, { rescueInterval: "10ms" });
  await second.settled((await second.enqueue()).id, "completed");
  await first.settled((await first.enqueue(2)).id, "completed");
  started.open();
  await first.settled(id, "completed");
  expect(await rowOf(id)).toMatchObject({ claims: 1, crashes: 0 });
});

test("what a process left active when it was killed, the next one runs, as soon as it starts", async () => {
  const directory = mkdtempSync(join(tmpdir(), "soniq-pglite-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const before = new PGlite(directory);
  await migrate(drizzle({ client: before }));
  const { id } = await enqueue(drizzle({ client: before }), linger, 7);
  await before.close();

  const child = startChild(directory, { config: "pglite.config.ts" });
  const said = await child.said("lingering 7");
  expect(said).toContain(`starts on PGlite in ${directory}`);
  expect(said).toMatch(/connections: none; PGlite has one session/);
  child.kill("SIGKILL");
  await child.exited;

  const after = new PGlite(directory);
  const reopened = drizzle({ client: after });
  const jobs = { linger };
  const handlers = { linger: () => {} };
  const { event, settled, worker } = await startWorker(defineConfig({ connection: pglite(reopened), jobs, handlers }));
  expect((await event("rescued")).jobs).toMatchObject([{ id, state: "queued" }]);
  await settled(id, "completed");
  expect(await rowOf(id, reopened)).toMatchObject({ claims: 2, attempt: 1, crashes: 1 });
  await worker.stop();
  await after.close();
});

test("a configuration that cannot work says so", () => {
  const create = (config: object) => () =>
    createWorker({ jobs: {}, handlers: {}, ...config } as unknown as WorkerConfig);
  expect(create({ connection: db })).toThrow("connection must be PostgreSQL's connection string, or pglite(db)");
  const database = postgresJs(() => db);
  expect(create({ connection, database })).toThrow("database works only with a connection string");
});
