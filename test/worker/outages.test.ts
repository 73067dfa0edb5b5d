// What a worker does while PostgreSQL, or the way to it, is away. That no job is lost is promise 2.
import { expect, test } from "vitest";
import * as v from "valibot";
import { describeError } from "../../src/core/errors.ts";
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
  const worker = await startWorker({ connection, jobs: { job }, handlers: {}, pollInterval: "100ms" });
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
  await event("error", ({ operation }) => operation.startsWith("settling"));
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
  await worker.event("error", ({ operation }) => operation === "extending the lease");
  expect(await until(async () => (await lease()) > before)).toBe(true);
  network.cut();
});

test("a server that has become read-only is left: once another one can be written to, the worker goes on", async () => {
  const job = defineJob({ name: "later", queue: "later", payload: v.null(), run: () => {} });
  const worker = await startWorker({ connection: url, jobs: { job }, handlers: {}, pollInterval: "100ms" });
  const name = new URL(url).pathname.slice(1);
  await sql.unsafe(`alter database ${name} set default_transaction_read_only = on`);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'soniq-drizzle'`;
  const readOnly = (doing: string) =>
    worker.event(
      "error",
      (event) => event.operation.startsWith(doing) && describeError(event.error).includes("read-only transaction"),
    );
  await Promise.all([readOnly("claiming"), readOnly("extending the lease")]);
  // From here on, only connections that are made anew can write.
  await sql.unsafe(`alter database ${name} reset default_transaction_read_only`);
  const { id } = await enqueue(db, job, null);
  await worker.settled(id, "completed");
  const lease = async () =>
    (await sql`select from soniq_workers where ended_at is null and beat_at > now() - interval '1 second'`).length > 0;
  expect(await until(lease)).toBe(true);
});

test("while it lasts, connections are not made without end", async () => {
  const network = await networkTo(url);
  const job = defineJob({ name: "never", queue: "never", payload: v.null(), run: () => {} });
  const worker = await startWorker({ connection: network.url, jobs: { job }, handlers: {}, pollInterval: "10ms" });
  await sql.unsafe(`
    create function standby() returns trigger language plpgsql as $$
    begin raise exception 'cannot execute UPDATE in a read-only transaction' using errcode = '25006'; end $$;
    create trigger standby before update on soniq_jobs for each statement execute function standby()`);
  const refused = () => worker.events.filter(({ type }) => type === "error").length;
  const [began, connected] = [performance.now(), network.accepted()];
  await until(async () => refused() > 150);
  const seconds = (performance.now() - began) / 1_000;
  // Three pools' worth at the most: each is made anew once a second, by the statements that come.
  expect(network.accepted() - connected).toBeLessThanOrEqual(6 * (seconds + 1));
  await sql`drop trigger standby on soniq_jobs`;
  await worker.settled((await enqueue(db, job, null)).id, "completed");
});

test("a listener that hears nothing any more is found out, and what it missed is looked for", async () => {
  const network = await networkTo(url);
  const job = defineJob({ name: "deaf", queue: "deaf", payload: v.null(), run: () => {} });
  const worker = await startWorker({ connection: network.url, jobs: { job }, handlers: {}, pollInterval: "10m" });
  await until(async () => (await sql`select from soniq_workers where idle_queues ? 'deaf'`).length > 0);
  network.swallow('listen "soniq_wake_up"');
  const { id } = await enqueue(db, job, null);
  await worker.event("error", ({ operation }) => operation.startsWith("listening"));
  await worker.settled(id, "completed");
  // And it hears again.
  const again = await enqueue(db, job, null);
  await worker.settled(again.id, "completed");
  expect(await jobRow(db, again.id)).toMatchObject({ claims: 1, attempt: 1 });
  network.cut();
});
