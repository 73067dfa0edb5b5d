// Promise 8.
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { describe, expect, onTestFinished, test } from "vitest";
import * as v from "valibot";
import {
  cancelJob,
  defineJob,
  DuplicateJobError,
  enqueue,
  type Enqueued,
  enqueueMany,
  type WorkerConfig,
} from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { someoneWaits, transactionWith } from "../support/locks.ts";
import { randomFrom, seed } from "../support/random.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const sync = defineJob({ name: "sync", queue: "sync", payload: v.string(), unique: { by: (account) => account } });

const unfinished = (account: string) =>
  sql<{ id: string }[]>`
    select id from soniq_jobs where unique_key = ${`sync:${account}`} and state in ('queued', 'active')`;

const crowd = 64;
const numbered = { payload: v.number(), queue: "crowd" } as const;

/** So many connections, each in a transaction, that enqueue at the same moment. @returns what each was told, by who had the key first */
async function allAtOnce(enqueueIt: (tx: PostgresJsDatabase, n: number) => Promise<Enqueued>): Promise<Told[]> {
  const client = postgres(url, { max: crowd, onnotice: () => {} });
  onTestFinished(() => client.end());
  const allBegun = gate();
  const told: Told[] = [];
  let begun = 0;
  const one = (n: number) =>
    drizzle({ client }).transaction(async (tx) => {
      await tx.execute("select 1");
      if ((begun += 1) === crowd) allBegun.open();
      await allBegun.opened;
      // Whoever waits for the key is answered after the commit of whoever has it.
      await enqueueIt(tx as unknown as PostgresJsDatabase, n).then(
        (enqueued) => told.push({ n, ...enqueued }),
        (error: unknown) => told.push({ n, error }),
      );
    });
  await Promise.all(Array.from({ length: crowd }, (_, n) => one(n)));
  return told;
}
type Told = { n: number; error: unknown } | ({ n: number } & Enqueued);

/** The one that was created. All others were told of it, as deduplicated. */
function theOne(told: readonly Told[]): Told & Enqueued {
  const enqueued = told.filter((one) => "id" in one);
  const [created, ...more] = enqueued.filter(({ deduplicated }) => !deduplicated);
  expect(more).toEqual([]);
  expect(new Set(enqueued.map(({ id }) => id))).toEqual(new Set([created?.id]));
  expect(enqueued).toHaveLength(crowd);
  return created as Told & Enqueued;
}

describe("of 64 connections that enqueue the same key at once, one creates the job, and all are told which:", () => {
  test("it is kept", async () => {
    const { id } = theOne(await allAtOnce((tx) => enqueue(tx, sync, "at once")));
    expect(await unfinished("at once")).toEqual([{ id: String(id) }]);
  });

  const latest = defineJob({ ...numbered, name: "latest", unique: { by: [], onConflict: "replace" } });

  test("it is replaced, and stays as the last one has it", async () => {
    const told = await allAtOnce((tx, n) => enqueue(tx, latest, n));
    expect(await jobRow(db, theOne(told).id)).toMatchObject({ payload: told.at(-1)?.n, state: "queued" });
  });

  test("it is rescheduled, and stays when the last one has it", async () => {
    const later = defineJob({ ...numbered, name: "later", unique: { by: [], onConflict: "reschedule" } });
    const at = (n: number) => new Date(Date.UTC(2099, 0, 1, 0, n));
    const told = await allAtOnce((tx, n) => enqueue(tx, later, n, { runAt: at(n) }));
    const { n } = told.at(-1) as Told;
    expect(await jobRow(db, theOne(told).id)).toMatchObject({ payload: n, runAt: at(n) });
  });

  test("the others are an error", async () => {
    const once = defineJob({ ...numbered, name: "once", unique: { by: [], onConflict: "error" } });
    const told = await allAtOnce((tx, n) => enqueue(tx, once, n));
    const [first, ...more] = told.filter((one) => "id" in one);
    expect(more).toEqual([]);
    const errors = told.flatMap((one) => ("error" in one ? [one.error] : []));
    expect(errors).toHaveLength(crowd - 1);
    for (const error of errors) {
      expect(error).toBeInstanceOf(DuplicateJobError);
      expect(error).toMatchObject({ id: first?.id });
    }
    expect(await sql`select from soniq_jobs where name = 'once'`).toHaveLength(1);
  });

  test("as the window of a job that has ended is over", async () => {
    const throttled = defineJob({ ...numbered, name: "throttled", unique: { by: [], within: "1h" } });
    const earlier = await enqueue(db, throttled, -1);
    await cancelJob(db, earlier.id);
    await sql`update soniq_jobs set unique_expires_at = clock_timestamp() where id = ${earlier.id}`;
    const { id, n } = theOne(await allAtOnce((tx, who) => enqueue(tx, throttled, who)));
    expect(await jobRow(db, id)).toMatchObject({ payload: n, uniqueHeld: true });
    expect(await jobRow(db, earlier.id)).toMatchObject({ state: "cancelled", uniqueHeld: false });
  });
});

const inBulk = { payload: v.string(), queue: "bulk" } as const;
const by = (account: string) => account;

test.each([
  defineJob({ ...inBulk, name: "bulk keep", unique: { by } }),
  defineJob({ ...inBulk, name: "bulk within", unique: { by, within: "1h" } }),
  defineJob({ ...inBulk, name: "bulk replace", unique: { by, onConflict: "replace" } }),
  defineJob({ ...inBulk, name: "bulk reschedule", unique: { by, onConflict: "reschedule" } }),
])("bulk enqueues with the same keys in any order agree: $name", async (job) => {
  const accounts = Array.from({ length: 100 }, (_, n) => `bulk ${n}`);
  const orders = [accounts, accounts.toReversed(), [...accounts.slice(50), ...accounts.slice(0, 50)]];
  // Windows that are over: the keys of these are freed by all three.
  await enqueueMany(db, job, accounts.slice(20, 80), { delay: "1h" });
  await sql`update soniq_jobs set state = 'cancelled', finished_at = now(), unique_held = unique_expires_at is not null,
    unique_expires_at = unique_expires_at - interval '2 hours' where name = ${job.name}`;
  const told = await Promise.all(orders.map((order) => enqueueMany(db, job, order, { delay: "1h" })));
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

test("nor do those that free keys, whatever way the planner takes to them", async () => {
  const job = defineJob({ ...inBulk, name: "ways", unique: { by, within: "1h" } });
  const accounts = ["way 1", "way 2", "way 3"];
  // Stored in the opposite order of the keys.
  for (const account of accounts.toReversed()) await cancelJob(db, (await enqueue(db, job, account)).id);
  await sql`update soniq_jobs set unique_expires_at = now() where name = 'ways'`;
  const letGo = await transactionWith(sql, "select from soniq_jobs where unique_key = 'ways:way 2' for update");
  const freeing = (off: string) =>
    db.transaction(async (tx) => {
      for (const way of off.split(" ")) await tx.execute(`set local enable_${way} = off`);
      return enqueueMany(tx, job, accounts);
    });
  const [byKey, byRow] = [freeing("seqscan bitmapscan"), freeing("indexscan bitmapscan indexonlyscan")];
  await someoneWaits(sql, 2);
  await letGo();
  const ids = (await Promise.all([byKey, byRow])).map((jobs) => jobs.map(({ id }) => id));
  expect(ids[1]).toEqual(ids[0]);
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

test("whatever workers and those who enqueue do at the same time", async () => {
  const random = randomFrom(seed);
  const churn = defineJob({
    name: "churn",
    queue: "churn",
    payload: v.string(),
    unique: { by: (account) => account },
    run: () => {
      if (random.below(4) === 0) throw new Error("bad luck");
    },
    backoff: () => 5,
  });
  const config: WorkerConfig = { connection: url, jobs: { churn }, handlers: {}, pollInterval: "50ms" };
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

test("what replaced a job is never lost: whenever that starts, the last one runs", async () => {
  const started: number[] = [];
  const save = defineJob({
    name: "replaced while workers run",
    queue: "replaced",
    payload: v.number(),
    unique: { by: [], onConflict: "replace" },
    run: (n) => void started.push(n),
  });
  const config: WorkerConfig = { connection: url, jobs: { save }, handlers: {}, pollInterval: "50ms" };
  const workers = await Promise.all([startWorker(config), startWorker(config)]);
  const created: number[] = [];
  for (let n = 0; n < 300; n += 1) {
    if (!(await enqueue(db, save, n)).deduplicated) created.push(n);
  }
  for (const { worker } of workers) await worker.drain();
  expect(started).toHaveLength(created.length);
  expect(Math.max(...started)).toBe(299);
  expect(new Set(started).size).toBe(started.length);
});
