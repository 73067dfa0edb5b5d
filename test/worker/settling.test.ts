// Outcomes are written down in batches: what keeps one of them from being written holds up no other.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import type { ClaimedJob } from "../../src/jobs/claim/claim.ts";
import { rescueOverdue } from "../../src/jobs/upkeep/rescue.ts";
import { Settler } from "../../src/worker/settle/settler.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { transactionWith } from "../support/locks.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const jobs = 10;

/** Ten jobs that run, and end in the same turn when the test says so; each returns its number. */
async function together(queue: string) {
  const [started, finish] = [gate(), gate()];
  let running = 0;
  const job = defineJob({
    name: queue,
    queue,
    payload: v.number(),
    result: v.number(),
    run: async (n) => {
      running += 1;
      if (running === jobs) started.open();
      await finish.opened;
      return n;
    },
  });
  const enqueued = await enqueueMany(
    db,
    job,
    Array.from({ length: jobs }, (_, n) => n),
  );
  const queues = { [queue]: { concurrency: jobs } };
  const worker = await startWorker({ connection: url, jobs: { job }, handlers: {}, queues, pollInterval: "50ms" });
  await started.opened;
  return { ...worker, job, ids: enqueued.map(({ id }) => id), finish };
}

test("a job whose row somebody has locked is settled when they let it go, the others before", async () => {
  const { ids, finish, settled } = await together("locked");
  const [locked, ...others] = ids as [number, ...number[]];
  const release = await transactionWith(sql, `select from soniq_jobs where id = ${locked} for update`);
  finish.open();
  await Promise.all(others.map((id) => settled(id, "completed")));
  expect(await jobRow(db, locked)).toMatchObject({ state: "active" });
  await release();
  await settled(locked, "completed");
  expect(await jobRow(db, locked)).toMatchObject({ state: "completed", result: 0, claims: 1, attempt: 1 });
});

test("jobs that end while one is locked are settled too", async () => {
  const { ids, finish, settled, job } = await together("meanwhile");
  const release = await transactionWith(sql, `select from soniq_jobs where id = ${ids[0]} for update`);
  finish.open();
  await Promise.all(ids.slice(1).map((id) => settled(id, "completed")));
  for (const n of [11, 12, 13]) await settled((await enqueue(db, job, n)).id, "completed");
  await release();
  expect((await settled(ids[0] as number)).state).toBe("completed");
});

test("a job that an open transaction refers to is claimed and settled", async () => {
  await sql`create table orders (id int, job_id bigint references soniq_jobs)`;
  const quick = defineJob({ name: "quick", queue: "quick", payload: v.null(), run: () => {} });
  const { id } = await enqueue(db, quick, null);
  const commit = await transactionWith(sql, `insert into orders values (1, ${id})`);
  const worker = await startWorker({ connection: url, jobs: { quick }, handlers: {}, pollInterval: "50ms" });
  expect((await worker.settled(id)).state).toBe("completed");
  await commit();
  await sql`drop table orders`;
});

test("a queued job whose row somebody has locked holds up no claim, and runs when it is free", async () => {
  const quick = defineJob({ name: "quick", queue: "quick", payload: v.null(), run: () => {} });
  const [locked, free] = (await enqueueMany(db, quick, [null, null])).map(({ id }) => id) as [number, number];
  const release = await transactionWith(sql, `select from soniq_jobs where id = ${locked} for update`);
  const worker = await startWorker({ connection: url, jobs: { quick }, handlers: {}, pollInterval: "50ms" });
  await worker.settled(free, "completed");
  expect(await jobRow(db, locked)).toMatchObject({ state: "queued", claims: 0 });
  await release();
  await worker.settled(locked, "completed");
});

test("a result that PostgreSQL refuses makes a dead letter, and the others are settled", async () => {
  await sql`alter table soniq_jobs add constraint unlucky check (queue <> 'refused' or result is distinct from '7')`;
  const { ids, finish, settled } = await together("refused");
  finish.open();
  const unlucky = ids[7] as number;
  await Promise.all(ids.map((id) => settled(id, id === unlucky ? "dead" : "completed")));
  const row = await jobRow(db, unlucky);
  expect(row?.reason).toMatch(/^its outcome could not be stored: .*"unlucky"/);
  expect(row).toMatchObject({ attempt: 1, workerId: null });
});

test("so does a job that a trigger refuses to have completed", async () => {
  await sql.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
    create trigger refuse before update on soniq_jobs for each row
      when (new.queue = 'trigger' and new.state = 'completed' and new.payload = '7') execute function refuse()`);
  const { ids, finish, settled } = await together("trigger");
  finish.open();
  await Promise.all(ids.map((id, n) => settled(id, n === 7 ? "dead" : "completed")));
  expect((await jobRow(db, ids[7] as number))?.reason).toBe("its outcome could not be stored: not this one");
});

test("where no completed job is kept, one that is deleted has completed, whatever becomes of those beside it", async () => {
  const [started, finish] = [gate(), gate()];
  let running = 0;
  const job = defineJob({
    name: "gone",
    queue: "gone",
    payload: v.picklist(["does well", "fails"]),
    run: async (end) => {
      running += 1;
      if (running === 2) started.open();
      await finish.opened;
      if (end === "fails") throw new Error("as it should");
    },
  });
  const [well, bad] = (await enqueueMany(db, job, ["does well", "fails"])).map(({ id }) => id) as [number, number];
  const retention = { completed: 0 };
  const worker = await startWorker({ connection: url, jobs: { job }, handlers: {}, retention });
  await started.opened;
  const release = await transactionWith(sql, `select from soniq_jobs where id = ${bad} for update`);
  finish.open();
  const { type } = await Promise.race([worker.settled(well), worker.event("fenced", (event) => event.job.id === well)]);
  expect(type).toBe("completed");
  expect(await jobRow(db, well)).toBeUndefined();
  await release();
  await worker.settled(bad, "queued");
});

const completed = { kind: "completed", result: null } as const;

/** A settler that waits 50 ms for a lock, and says when that was too long. */
function impatientSettler() {
  const client = postgres(url, { max: 1, onnotice: () => {}, connection: { lock_timeout: 50 } });
  const troubled = gate();
  const settler = new Settler(drizzle({ client }), () => troubled.open(), new Set(), false, 1_000);
  return { settler, troubled, end: () => client.end() };
}

describe("of a job that its session claimed twice, an overdue handler and the one after it,", () => {
  /** A job whose first claim was rescued, and whose second stands. */
  async function claimedTwice(queue: string) {
    const overdue = defineJob({ name: queue, queue, payload: v.null() });
    const { id } = await enqueue(db, overdue, null);
    const session = await sessionOf(db);
    const first = await claimAs(db, session, { queue });
    await sql`update soniq_jobs set deadline_at = now() - interval '1 second' where id = ${id}`;
    await rescueOverdue(db, { limit: 10 });
    const claims = [...first, ...(await claimAs(db, session, { queue }))];
    return { id, session, claims };
  }

  test("the batch that both end in settles the second, and tells the first that it was fenced", async () => {
    const { session, claims } = await claimedTwice("twice");
    const settler = new Settler(db, () => {}, new Set(), false, 1_000);
    const written = claims.map((claim) => settler.settle(session, { ...claim, outcome: completed }));
    expect(await Promise.all(written)).toEqual([undefined, "completed"]);
  });

  test("the same where completed jobs are deleted", async () => {
    const { session, claims } = await claimedTwice("deleted");
    const settler = new Settler(db, () => {}, new Set(["deleted"]), false, 1_000);
    const written = claims.map((claim) => settler.settle(session, { ...claim, outcome: completed }, "deleted"));
    expect(await Promise.all(written)).toEqual([undefined, "completed"]);
  });

  test("the second is settled also when the batch had failed, and its claims' ends were read", async () => {
    const { id, session, claims } = await claimedTwice("doubted");
    const { settler, troubled, end } = impatientSettler();
    const release = await transactionWith(sql, `select from soniq_jobs where id = ${id} for update`);
    const written = claims.map((claim) => settler.settle(session, { ...claim, outcome: completed }));
    await troubled.opened;
    await release();
    expect(await Promise.all(written)).toEqual([undefined, "completed"]);
    expect(await jobRow(db, id)).toMatchObject({ state: "completed", claims: 2 });
    await end();
  });
});

test("a completed job that was rescued while its settle failed is fenced, not taken for settled", async () => {
  const rescued = defineJob({ name: "rescued", queue: "rescued", payload: v.null() });
  const { id } = await enqueue(db, rescued, null);
  const session = await sessionOf(db);
  const [claim] = (await claimAs(db, session, { queue: "rescued" })) as [ClaimedJob];
  const { settler, troubled, end } = impatientSettler();
  const commit = await transactionWith(
    sql,
    `update soniq_jobs set state = 'queued', worker_id = null where id = ${id}`,
  );
  const written = settler.settle(session, { ...claim, outcome: completed });
  await troubled.opened;
  await commit();
  expect(await written).toBeUndefined();
  expect(await jobRow(db, id)).toMatchObject({ state: "queued" });
  await end();
});
