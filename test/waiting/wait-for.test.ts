// How `waitFor` learns what becomes of a job: by polling, and at once where it has a listener.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as v from "valibot";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  cancelJob,
  createResultListener,
  defineJob,
  enqueue,
  enqueueMany,
  getResult,
  type HandlerFunction,
  RetryAfter,
  waitFor,
  type WorkerConfig,
} from "../../src/index.ts";
import { openListener } from "../../src/database/listener.ts";
import { finishedChannel, waitChannel } from "../../src/sessions/doorbell.ts";
import { openLedger, startChild } from "../support/child.ts";
import { hold } from "../support/child.config.ts";
import { testDatabase } from "../support/database.ts";
import { testPglite } from "../support/pglite.ts";
import { recordedDatabase } from "../support/recorded-database.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

const double = defineJob({ name: "double", payload: v.number(), result: v.number() });
const work = (run: HandlerFunction<number, number> = (n) => 2 * n, config: Partial<WorkerConfig> = {}) =>
  startWorker({ connection: url, jobs: { double }, handlers: { double: run }, ...config });

/** From now on no timer comes to its end, so that no poll is what ends a wait. */
function withoutTimers(): void {
  const real = setTimeout;
  vi.stubGlobal("setTimeout", () => real(() => {}, 1e9).unref());
  onTestFinished(() => void vi.unstubAllGlobals());
}

/** What is said on a channel. */
async function heardOn(channel: string): Promise<string[]> {
  const heard: string[] = [];
  const listener = openListener(url, { [channel]: (payload) => heard.push(payload) }, () => {});
  onTestFinished(() => listener.close());
  await listener.listen();
  return heard;
}

describe("by polling", () => {
  test("it resolves with the result once the job has completed", async () => {
    const handle = await enqueue(db, double, 21);
    const waited = waitFor(db, double, handle);
    await work();
    expect(await waited).toEqual({ status: "completed", result: 42 });
  });

  test("a job that has finished long ago costs one statement", async () => {
    const { id } = await enqueue(db, double, 1);
    const { settled } = await work();
    await settled(id, "completed");
    const { db: recorded, sent } = recordedDatabase(url);
    expect(await waitFor(recorded, double, id)).toEqual({ status: "completed", result: 2 });
    expect(sent).toHaveLength(1);
  });

  test("a job that fails and is tried again has not finished", async () => {
    const handle = await enqueue(db, double, 4);
    const waited = waitFor(db, double, handle);
    const { settled } = await work((n, { attempt }) => {
      if (attempt === 1) throw new RetryAfter(0);
      return 2 * n;
    });
    expect(await waited).toEqual({ status: "completed", result: 8 });
    expect(await settled(handle.id, "queued")).toMatchObject({ outcome: { kind: "retried" } });
  });

  test("a dead letter, a cancelled job and one that is gone end it, too", async () => {
    const [dead, cancelled, gone] = await enqueueMany(db, double, [1, 2, 3], { queue: "nobody's" });
    const waited = [dead, cancelled, gone].map((handle) =>
      waitFor(db, double, handle as { id: number; name: "double" }),
    );
    await sql`update soniq_jobs set state = 'dead', finished_at = now(), reason = 'why' where id = ${dead?.id as number}`;
    await cancelJob(db, cancelled?.id as number, "because");
    await sql`delete from soniq_jobs where id = ${gone?.id as number}`;
    expect(await Promise.all(waited)).toEqual([
      { status: "dead", reason: "why", errors: [] },
      { status: "cancelled", reason: "because" },
      { status: "expired" },
    ]);
  });

  test("an id that no job has ends it at once", async () => {
    expect(await waitFor(db, double, 1e15)).toEqual({ status: "unknown" });
  });

  test("nobody is rung for", async () => {
    const heard = await heardOn(waitChannel);
    const handle = await enqueue(db, double, 1, { queue: "nobody's" });
    await waitFor(db, double, handle, { timeout: 200 });
    await sql`select pg_notify(${waitChannel}, 'end')`;
    await until(async () => heard.includes("end"));
    expect(heard).toEqual(["end"]);
  });
});

describe("it gives up", () => {
  test("after its timeout: then the job is pending still", async () => {
    const handle = await enqueue(db, double, 1, { queue: "nobody's" });
    expect(await waitFor(db, double, handle, { timeout: "120ms" })).toEqual({
      status: "pending",
      state: "queued",
      progress: null,
    });
    expect(await waitFor(db, double, handle, { timeout: 0 })).toMatchObject({ status: "pending" });
  });

  test("when its signal is aborted, with the reason, though nothing polls", async () => {
    const handle = await enqueue(db, double, 1, { queue: "nobody's" });
    const abort = new AbortController();
    const { db: recorded, sent } = recordedDatabase(url);
    await getResult(recorded, double, handle);
    withoutTimers();
    const waited = waitFor(recorded, double, handle, { signal: abort.signal });
    await until(async () => sent.length > 1);
    abort.abort(new RangeError("the request was closed"));
    await expect(waited).rejects.toThrow(new RangeError("the request was closed"));
    await expect(waitFor(db, double, handle, { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow(
      "before",
    );
  });

  test("on a transaction, in which no worker sees the job", async () => {
    await db.transaction(async (tx) => {
      const handle = await enqueue(tx, double, 1, { queue: "nobody's" });
      await expect(waitFor(tx, double, handle)).rejects.toThrow(
        `job double #${handle.id}: waitFor was called on a transaction, but no worker sees the job before the transaction has committed: call waitFor after the commit`,
      );
    });
  });
});

describe("with a listener", () => {
  const listener = createResultListener(url);
  afterAll(() => listener.close());

  async function listening(): Promise<void> {
    listener.listen();
    await until(async () => listener.listening);
  }

  test("it learns of the end from the worker's process, though no timer of this one comes to its end", async () => {
    await listening();
    const ledger = await openLedger(sql);
    startChild(url);
    const handle = await enqueue(db, hold, { n: 1 });
    await ledger.noted(1, "started");
    const heard = await heardOn(waitChannel);
    withoutTimers();
    const waited = waitFor(db, hold, handle, { listener });
    await until(async () => heard.includes(String(handle.id)));
    await ledger.letGo(1);
    expect(await waited).toEqual({ status: "completed", result: undefined });
  });

  test("nothing is told of jobs that nobody waits for", async () => {
    await listening();
    const heard = await heardOn(finishedChannel);
    const { settled } = await work();
    const others = await enqueueMany(db, double, [1, 2, 3]);
    for (const { id } of others) await settled(id, "completed");
    const handle = await enqueue(db, double, 4, { delay: "300ms" });
    await waitFor(db, double, handle, { listener });
    await until(async () => heard.length > 0);
    expect(heard).toEqual([String(handle.id)]);
  });

  test("a hundred waits at once all end", async () => {
    await listening();
    const handles = await enqueueMany(
      db,
      double,
      Array.from({ length: 100 }, (_, n) => n),
    );
    const waited = handles.map((handle) => waitFor(db, double, handle, { listener }));
    await work();
    expect(await Promise.all(waited)).toEqual(handles.map((_, n) => ({ status: "completed", result: 2 * n })));
  });

  test("two waits for one job both end, and one that gave up does not end the other", async () => {
    await listening();
    const handle = await enqueue(db, double, 5);
    const abort = new AbortController();
    const givenUp = waitFor(db, double, handle, { listener, signal: abort.signal });
    const waited = [waitFor(db, double, handle, { listener }), waitFor(db, double, handle, { listener })];
    abort.abort(new Error("given up"));
    await expect(givenUp).rejects.toThrow("given up");
    await work();
    expect(await Promise.all(waited)).toEqual([
      { status: "completed", result: 10 },
      { status: "completed", result: 10 },
    ]);
  });

  test("a job's own transaction that commits is told of as well", async () => {
    await listening();
    const heard = await heardOn(finishedChannel);
    await work((n, job) => job.transaction(async () => 2 * n));
    const handle = await enqueue(db, double, 8, { delay: "300ms" });
    expect(await waitFor(db, double, handle, { listener })).toEqual({ status: "completed", result: 16 });
    await until(async () => heard.includes(String(handle.id)));
  });

  test("one that cannot connect leaves the polls, which find it", async () => {
    const nowhere = createResultListener("postgres://nobody@127.0.0.1:1/none");
    onTestFinished(() => nowhere.close());
    await work();
    const handle = await enqueue(db, double, 6);
    expect(await waitFor(db, double, handle, { listener: nowhere })).toEqual({ status: "completed", result: 12 });
    expect(nowhere.listening).toBe(false);
  });

  test("one that lost its connection listens again", async () => {
    await listening();
    const handle = await enqueue(db, double, 7, { queue: "late" });
    const waited = waitFor(db, double, handle, { listener });
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen "soniq_finished"%'`;
    await until(async () => !listener.listening);
    await until(async () => listener.listening);
    await work(undefined, { queues: { late: { concurrency: 1 } } });
    expect(await waited).toEqual({ status: "completed", result: 14 });
  });

  test("it must have a connection", () => {
    expect(() => createResultListener(undefined)).toThrow("createResultListener: the connection is not set");
  });
});

test("a job of a worker in another process is waited for, and so is one whose worker was killed", async () => {
  const there = await testDatabase();
  const ledger = await openLedger(there.sql);
  const listener = createResultListener(there.url);
  onTestFinished(() => listener.close());
  const first = startChild(there.url, { lease: "1s" });
  const handle = await enqueue(there.db, hold, { n: 1 });
  const waited = waitFor(there.db, hold, handle, { listener });
  await ledger.noted(1, "started");
  first.kill("SIGKILL");
  await first.exited;
  startChild(there.url, { lease: "1s" });
  await ledger.letGo(1);
  expect(await waited).toEqual({ status: "completed", result: undefined });
});

test("on PGlite it learns within the process", async () => {
  const { db: inProcess, connection } = await testPglite();
  const listener = createResultListener(connection);
  onTestFinished(() => listener.close());
  await startWorker({ connection, jobs: { double }, handlers: { double: (n: number) => 2 * n } });
  const handle = await enqueue(inProcess, double, 3);
  expect(await waitFor(inProcess, double, handle, { listener })).toEqual({ status: "completed", result: 6 });
  await until(async () => listener.listening);
});

test("an application's own connections are all it needs to poll", async () => {
  const client = postgres(url, { max: 1, onnotice: () => {} });
  onTestFinished(() => client.end());
  const own = drizzle({ client });
  await work();
  const handles = await enqueueMany(own, double, [1, 2, 3]);
  const results = await Promise.all(handles.map((handle) => waitFor(own, double, handle)));
  expect(results.map((result) => result.status)).toEqual(["completed", "completed", "completed"]);
});
