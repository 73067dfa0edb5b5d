// A job whose row PostgreSQL refuses to change, for whatever reason: it stops no other, and is reported.
import { afterEach, describe, expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { claim } from "../../src/jobs/claim/claim.ts";
import { queueStart } from "../../src/jobs/claim/claim-positions.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { refuseSome } from "../support/refusals.ts";
import { expireLease, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

let acceptAll = async () => {};
afterEach(async () => {
  await acceptAll();
  acceptAll = async () => {};
});

const jobOf = (queue: string) => defineJob({ name: queue, queue, payload: v.string(), run: () => {} });
const unfinished = async (queue: string) =>
  (await sql`select payload from soniq_jobs where queue = ${queue} and finished_at is null`).map(
    ({ payload }) => payload as string,
  );
const words = (n: number) => Array.from({ length: n }, (_, i) => String(i));

describe("a claim", () => {
  test.each(["P0001", "42501", "54000", "XX000", "57014", "53100", "23514", "40001"])(
    "goes around it, whatever the error: %s",
    async (code) => {
      const job = jobOf(`claims ${code}`);
      const { id } = await enqueue(db, job, "refused");
      await enqueueMany(db, job, words(300));
      acceptAll = await refuseSome(sql, code);
      const worker = await startWorker({
        connection: url,
        jobs: { job },
        handlers: {},
        queues: { [job.name]: { concurrency: 50 } },
        pollInterval: "100ms",
      });
      await until(async () => (await unfinished(job.name)).length === 1);
      await worker.event("error", ({ operation }) => operation === `claiming job ${id} of ${job.name}`);
      await acceptAll();
      acceptAll = async () => {};
      await worker.settled(id, "completed");
      expect(await jobRow(db, id)).toMatchObject({ claims: 1 });
    },
  );

  test("goes around more of them than it claims at once, at the head of the queue", async () => {
    const job = jobOf("many");
    await enqueueMany(
      db,
      job,
      Array.from({ length: 40 }, () => "refused"),
    );
    await enqueueMany(db, job, words(100));
    acceptAll = await refuseSome(sql);
    await startWorker({
      connection: url,
      jobs: { job },
      handlers: {},
      queues: { many: { concurrency: 5 } },
      pollInterval: "100ms",
    });
    await until(async () => !(await unfinished("many")).some((payload) => payload !== "refused"));
    expect(await unfinished("many")).toHaveLength(40);
  });

  test("is not said again and again where PostgreSQL refuses all of them, and brings them all when it no longer does", async () => {
    const job = jobOf("all");
    await enqueueMany(
      db,
      job,
      Array.from({ length: 200 }, () => "refused"),
    );
    acceptAll = await refuseSome(sql);
    const worker = await startWorker({
      connection: url,
      jobs: { job },
      handlers: {},
      queues: { all: { concurrency: 100 } },
      pollInterval: "1s",
    });
    const claims = () =>
      worker.events.filter((event) => event.type === "error" && event.operation === "claiming from all").length;
    await until(async () => claims() > 2);
    const named = worker.events.filter((event) => event.type === "error" && event.operation.startsWith("claiming job"));
    expect(named.length).toBeLessThan(10);
    await acceptAll();
    acceptAll = async () => {};
    await until(async () => (await unfinished("all")).length === 0);
  });

  test("that is too much at once is made smaller until it goes", async () => {
    const job = jobOf("much");
    await enqueueMany(db, job, words(100));
    await sql.unsafe(`
      create function too_much() returns trigger language plpgsql as $$
      begin
        if (select count(*) from taken where state = 'active') > 3 then raise exception 'too slow' using errcode = '57014'; end if;
        return null;
      end $$;
      create trigger too_much after update on soniq_jobs referencing new table as taken for each statement execute function too_much()`);
    acceptAll = async () => void (await sql`drop trigger too_much on soniq_jobs`);
    await startWorker({
      connection: url,
      jobs: { job },
      handlers: {},
      queues: { much: { concurrency: 100 } },
      pollInterval: "100ms",
    });
    await until(async () => (await unfinished("much")).length === 0);
    expect(await sql`select from soniq_jobs where queue = 'much' and claims <> 1`).toHaveLength(0);
  });
});

test("a rescue gives back the other jobs of a dead worker, and reports it", async () => {
  const job = jobOf("rescued");
  const { id } = await enqueue(db, job, "refused");
  await enqueueMany(db, job, words(40));
  const dead = await sessionOf(db);
  const input = {
    workerId: dead,
    claimToken: 1,
    queue: job.name,
    limit: 100,
    deadlines: "{}",
    defaultDeadlineMs: 60_000,
  };
  expect(await claim(db, { ...input, from: queueStart })).toHaveLength(41);
  await expireLease(sql, dead);
  acceptAll = await refuseSome(sql, "42501");
  const worker = await startWorker({
    connection: url,
    jobs: { job },
    handlers: {},
    queues: { rescued: { concurrency: 10 } },
    rescueInterval: "1s",
    pollInterval: "100ms",
  });
  await until(async () => (await unfinished("rescued")).length === 1);
  await worker.event("error", ({ operation }) => operation === `rescuing job ${id}`);
  await acceptAll();
  acceptAll = async () => {};
  await worker.settled(id, "completed");
});
