// What a worker does while PostgreSQL, or the way to it, is away. That no job is lost is promise 2.
import { expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { someoneWaits, transactionWith } from "../support/locks.ts";
import { networkTo } from "../support/network.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** Two jobs that run, and end together when the test says so; later ones end at once. */
async function two(queue: string, connection: string) {
  const [started, finish] = [gate(), gate()];
  let running = 0;
  const job = defineJob({
    name: queue,
    queue,
    payload: v.null(),
    run: async () => {
      running += 1;
      if (running === 2) started.open();
      await finish.opened;
    },
  });
  const [first, second] = (await enqueueMany(db, job, [null, null])).map(({ id }) => id) as [number, number];
  const worker = await startWorker({ connection, jobs: { job }, handlers: {}, poll: "100ms" });
  await started.opened;
  return { ...worker, job, first, second, finish };
}

test("a settle whose connection broke while it waited for a lock is made good, and no other waits for it", async () => {
  const network = await networkTo(url);
  const { job, first, second, finish, settled } = await two("locked", network.url);
  const release = await transactionWith(sql, `select from soniq_jobs where id = ${second} for update`);
  finish.open();
  await someoneWaits(sql);
  network.cut();
  await settled(first, "completed");
  await settled((await enqueue(db, job, null)).id, "completed");
  expect(await jobRow(db, second)).toMatchObject({ state: "active" });
  await release();
  await settled(second, "completed");
  expect(await jobRow(db, second)).toMatchObject({ claims: 1, attempt: 1, crashes: 0 });
});

test("also when it is the only thing that the worker has to do", async () => {
  const { first, second, finish, settled, event } = await two("alone", url);
  const release = await transactionWith(sql, `select from soniq_jobs where id in (${first}, ${second}) for update`);
  finish.open();
  await event("trouble", ({ doing }) => doing.startsWith("settling"));
  await until(async () => {
    const ended = await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'soniq-drizzle' and wait_event_type is distinct from 'Activity'`;
    return ended.length > 0;
  });
  await release();
  await Promise.all([settled(first, "completed"), settled(second, "completed")]);
  expect(await jobRow(db, first)).toMatchObject({ claims: 1, attempt: 1, crashes: 0 });
});

test("connections that swallow everything are noticed by the beats, and made anew", async () => {
  const network = await networkTo(url);
  const worker = await startWorker({ connection: network.url, jobs: {}, handlers: {}, lease: "8s" });
  const lease = async () =>
    (await sql`select lease_expires_at as until from soniq_workers where ended_at is null`)[0]?.["until"] as Date;
  const before = await lease();
  network.swallow();
  await worker.event("trouble", ({ doing }) => doing === "extending the lease");
  expect(await until(async () => (await lease()) > before)).toBe(true);
  network.cut();
});
