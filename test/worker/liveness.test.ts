// That a worker is known to be alive, and knows what is still its own.
import { expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueueMany } from "../../src/index.ts";
import { rescueOverdue } from "../../src/jobs/upkeep/rescue.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { transactionWith } from "../support/locks.ts";
import { claimAs, expireLease, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

test("its beats do not wait for what its other statements wait for", async () => {
  const job = defineJob({ name: "idle", payload: v.null(), run: () => {} });
  const worker = await startWorker({ connection: url, jobs: { job }, handlers: {}, pollInterval: "50ms", lease: "4s" });
  const lease = async () =>
    (await sql`select lease_expires_at as until from soniq_workers where ended_at is null`)[0]?.["until"] as Date;
  const release = await transactionWith(sql, "lock table soniq_jobs in access exclusive mode");
  await worker.event("error", ({ operation }) => operation.startsWith("claiming"));
  const before = await lease();
  expect(await until(async () => (await lease()) > before)).toBe(true);
  await release();
});

test("a session whose lease ran out claims nothing until it has beaten again", async () => {
  const job = defineJob({ name: "silent", queue: "silent", payload: v.null() });
  await enqueueMany(db, job, [null, null]);
  const session = await sessionOf(db);
  await expireLease(sql, session);
  expect(await claimAs(db, session, { queue: "silent" })).toEqual([]);
  await sql`update soniq_workers set lease_expires_at = now() + interval '1 minute' where id = ${session}`;
  expect(await claimAs(db, session, { queue: "silent" })).toHaveLength(2);
});

test("a job that was taken from a live worker is aborted at a beat; the jobs beside it go on", async () => {
  const finish = gate();
  const aborted: number[] = [];
  const [started, abortedOne] = [gate(), gate<unknown>()];
  let runs = 0;
  const job = defineJob({
    name: "beside",
    queue: "beside",
    payload: v.null(),
    run: async (_, { id, signal }) => {
      signal.addEventListener("abort", () => {
        aborted.push(id);
        abortedOne.open(signal.reason);
      });
      runs += 1;
      if (runs === 3) started.open();
      await finish.opened;
    },
  });
  const [first, taken, third] = (await enqueueMany(db, job, [null, null, null])).map(({ id }) => id);
  const queues = { beside: { concurrency: 3 } };
  const worker = await startWorker({ connection: url, jobs: { job }, handlers: {}, queues, lease: "4s" });
  await started.opened;
  await sql`update soniq_jobs set deadline_at = now() - interval '1 second' where id = ${taken as number}`;
  await rescueOverdue(db, { limit: 10 });
  expect(await abortedOne.opened).toMatchObject({ message: "the job was taken from this worker" });
  finish.open();
  await Promise.all([first, third].map((id) => worker.settled(id as number, "completed")));
  expect(aborted).toEqual([taken]);
});

test("a worker that could not say that it waits for work says it again", async () => {
  await sql.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$;
    create trigger refuse before update of idle_queues on soniq_workers for each row execute function refuse()`);
  const job = defineJob({ name: "unheard", queue: "unheard", payload: v.null(), run: () => {} });
  const worker = await startWorker({ connection: url, jobs: { job }, handlers: {}, pollInterval: "100ms" });
  await worker.event("error", ({ operation }) => operation === "publishing which queues are idle");
  await sql`drop trigger refuse on soniq_workers`;
  const waits = async () => (await sql`select from soniq_workers where idle_queues ? 'unheard'`).length > 0;
  expect(await until(waits)).toBe(true);
});
