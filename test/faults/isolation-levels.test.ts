// Applications whose database or transactions ask for more isolation than READ COMMITTED.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { afterAll, describe, expect, test } from "vitest";
import * as v from "valibot";
import { cancelJob, defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { findErrorCode } from "../../src/core/errors.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { someoneWaits, transactionWith } from "../support/locks.ts";
import { randomFrom, seed } from "../support/random.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { startWorker } from "../support/worker.ts";

const { db: outside, url, sql } = await testDatabase();
await sql.unsafe(
  `do $$ begin execute format('alter database %I set default_transaction_isolation = serializable', current_database()); end $$`,
);

/** The application's: it has the database's default. */
const client = postgres(url, { max: 10, onnotice: () => {} });
const db = drizzle({ client });
afterAll(() => client.end({ timeout: 1 }));

const sync = defineJob({ name: "sync", queue: "sync", payload: v.string(), unique: { by: (account) => account } });

test("the database's default is serializable here", async () => {
  expect([...(await db.execute("show transaction_isolation"))]).toEqual([{ transaction_isolation: "serializable" }]);
});

describe("what lost against another transaction is said again:", () => {
  const holding = (account: string) =>
    transactionWith(
      sql,
      `begin isolation level read committed; insert into soniq_jobs (name, queue, payload, unique_key) values ('sync', 'sync', '"${account}"', 'sync:${account}')`,
    );

  test("an enqueue of a key that was just taken", async () => {
    const commit = await holding("one");
    const told = enqueue(db, sync, "one");
    await someoneWaits(sql);
    await commit();
    expect((await told).deduplicated).toBe(true);
  });

  test("a job for later, too", async () => {
    const commit = await holding("later");
    const told = enqueue(db, sync, "later", { delay: "1h" });
    await someoneWaits(sql);
    await commit();
    expect((await told).deduplicated).toBe(true);
  });

  test("many of them", async () => {
    const commit = await holding("b");
    const told = enqueueMany(db, sync, ["a", "b", "c"]);
    await someoneWaits(sql);
    await commit();
    expect((await told).map(({ deduplicated }) => deduplicated)).toEqual([false, true, false]);
  });

  test.each(["queued", "active"])("a cancellation of a job that is %s", async (state) => {
    const { id } = await enqueue(outside, sync, `cancelled while ${state}`);
    if (state === "active") await claimAs(outside, await sessionOf(outside), { queue: "sync" });
    const commit = await transactionWith(sql, `update soniq_jobs set meta = '{"touched": true}' where id = ${id}`);
    const cancelled = cancelJob(db, id, "no longer wanted");
    await someoneWaits(sql);
    await commit();
    expect(await cancelled).toBe(state === "queued" ? "cancelled" : "requested");
    expect(await jobRow(outside, id)).toMatchObject({ reason: "no longer wanted", meta: { touched: true } });
  });
});

test.each(["repeatable read", "serializable"] as const)(
  "in a transaction at %s that fails to serialize, the whole of it is tried again, by whoever began it",
  async (isolationLevel) => {
    const account = `whole ${isolationLevel}`;
    const { id } = await enqueue(outside, sync, account);
    let attempts = 0;
    const attempt = () =>
      db.transaction(
        async (tx) => {
          attempts += 1;
          await tx.execute("select 1");
          await sql`update soniq_jobs set meta = '{}' where id = ${id}`;
          return cancelJob(tx, id);
        },
        { isolationLevel },
      );
    const error: unknown = await attempt().catch((thrown: unknown) => thrown);
    expect(findErrorCode(error)).toBe("40001");
    expect(attempts).toBe(1);
    expect(await jobRow(outside, id)).toMatchObject({ state: "queued" });
  },
);

test.each(["repeatable read", "serializable"] as const)(
  "a job enqueued in a transaction at %s exists if and only if that commits",
  async (isolationLevel) => {
    const plain = defineJob({ name: "plain", queue: "plain", payload: v.number() });
    let undone = 0;
    const rolledBack = db.transaction(
      async (tx) => {
        undone = (await enqueue(tx, plain, 1)).id;
        await enqueueMany(tx, plain, [2, 3]);
        throw new Error("undone");
      },
      { isolationLevel },
    );
    await expect(rolledBack).rejects.toThrow("undone");
    expect(await jobRow(outside, undone)).toBeUndefined();
    const done = await db.transaction(async (tx) => enqueueMany(tx, plain, [2, 3]), { isolationLevel });
    for (const { id } of done) expect(await jobRow(outside, id)).toMatchObject({ state: "queued" });
  },
);

test(`workers and those who enqueue get on with each other (seed ${seed})`, async () => {
  const random = randomFrom(seed);
  const [cancelled, late, snoozed] = [new Set<number>(), new Set<number>(), new Set<number>()];
  const busy = defineJob({
    name: "busy",
    queue: "busy",
    payload: v.number(),
    unique: { by: (n) => `${n % 20}` },
    backoff: () => 0,
    run: async (_, { id, attempt, snooze }) => {
      if (cancelled.has(id)) late.add(id);
      if (attempt === 1 && id % 5 === 0) throw new Error("once");
      if (id % 7 === 0 && !snoozed.has(id)) return snoozed.add(id) && snooze(1);
    },
  });
  const config = {
    connection: url,
    jobs: { busy },
    handlers: {},
    queues: { busy: { concurrency: 5 } },
    pollInterval: "50ms",
  } as const;
  const workers = await Promise.all([startWorker(config), startWorker(config)]);
  const producer = async (first: number) => {
    for (let n = first; n < first + 60; n += 1) {
      // Workers claim at once what is due at once.
      const isCancelled = random.below(4) === 0;
      const { id } = await enqueue(db, busy, n, isCancelled ? { delay: "50ms" } : {});
      if (isCancelled && (await cancelJob(db, id)) === "cancelled") cancelled.add(id);
      if (random.below(10) === 0) await enqueueMany(db, busy, [n, n + 1, n + 2]);
    }
  };
  await Promise.all([0, 100, 200, 300, 400].map(producer));
  for (const { worker } of workers) await worker.drain();
  const left =
    await sql`select state, count(*)::int as jobs from soniq_jobs where queue = 'busy' and state not in ('completed', 'cancelled') group by 1`;
  expect([...left]).toEqual([]);
  expect(cancelled.size).toBeGreaterThan(0);
  expect([...late]).toEqual([]);
  const troubles = workers.flatMap(({ events }) => events.filter(({ type }) => type === "error" || type === "fenced"));
  expect(troubles).toEqual([]);
});
