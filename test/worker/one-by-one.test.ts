// With `batchSize: 1`, one statement and one commit settle a job and claim the next one.
import { afterEach, expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany, type WorkerConfig } from "../../src/index.ts";
import { pauseQueue } from "../../src/admin.ts";
import { queueStart } from "../../src/jobs/claim/claim-positions.ts";
import { settleAndClaim } from "../../src/jobs/settle/settle-and-claim.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { transactionWith } from "../support/locks.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

afterEach(async () => {
  await sql.unsafe("drop trigger if exists observe on soniq_jobs");
});

const jobFor = (queue: string, run: (n: number) => unknown = (n) => n) =>
  defineJob({ name: queue, queue, payload: v.number(), result: v.any(), run });

/** Starts a worker for one queue, which claims and runs one job at a time. */
function startSerialWorker(job: ReturnType<typeof jobFor>, config: Partial<WorkerConfig> = {}) {
  const queues = { [job.name]: { concurrency: 1 } };
  return startWorker({ connection: url, jobs: { job }, handlers: {}, queues, batchSize: 1, ...config });
}

const enqueueCount = (job: ReturnType<typeof jobFor>, count: number) =>
  enqueueMany(
    db,
    job,
    Array.from({ length: count }, (_, n) => n),
  );

/** Claims one of two jobs and completes it with a claim of the other. */
async function completeOne(queue: string, change: (worker: string, id: number) => Promise<unknown> = async () => {}) {
  await enqueueCount(jobFor(queue), 2);
  const worker = await sessionOf(db);
  const [first] = await claimAs(db, worker, { queue, limit: 1 });
  if (!first) throw new Error("no job was claimed");
  await change(worker, first.id);
  const input = { workerId: worker, claimToken: 1_000, queue, limit: 1, from: queueStart, asyncCommit: true };
  const settlement = { ...first, outcome: { kind: "completed", result: "42" } } as const;
  const reply = await settleAndClaim(db, settlement, { ...input, deadlines: "{}", defaultDeadlineMs: 60_000 });
  return { ...reply, first, worker };
}

test("the settle of a job claims the next one in the same transaction, until none is left", async () => {
  const job = jobFor("serial");
  const ids = (await enqueueCount(job, 20)).map(({ id }) => id);
  const { settled } = await startSerialWorker(job);
  await settled(ids.at(-1) as number, "completed");
  const rows = await sql`
    select claimed_at = lag(finished_at) over (order by id) as shared, state, claims, result from soniq_jobs where queue = 'serial' order by id`;
  expect(rows.map(({ state, claims, result }) => [state, claims, result])).toEqual(
    ids.map((_, n) => ["completed", 1, n]),
  );
  // The claim loop claims the first jobs, until a full claim shows that there is a backlog.
  expect(rows.slice(3).map(({ shared }) => shared)).toEqual(Array(17).fill(true));
});

test("a job is settled and the next one claimed", async () => {
  const { settled, claim, first, worker } = await completeOne("both");
  expect(settled).toEqual([{ id: first.id, claimToken: first.claimToken, state: "completed" }]);
  expect(claim.jobs).toMatchObject([{ name: "both", claimToken: 1_000, attempt: 1, payload: "1" }]);
  expect(await jobRow(db, first.id)).toMatchObject({ state: "completed", result: 42, workerId: null });
  expect(await jobRow(db, claim.jobs[0]?.id as number)).toMatchObject({ state: "active", workerId: worker });
});

test("a job whose claim has ended is not settled, and the next one is claimed all the same", async () => {
  const { settled, claim, first } = await completeOne(
    "fenced",
    (_, id) => sql`update soniq_jobs set claim_token = claim_token + 1 where id = ${id}`,
  );
  expect(settled).toEqual([]);
  expect(claim.jobs).toHaveLength(1);
  expect(await jobRow(db, first.id)).toMatchObject({ state: "active" });
});

test.each<[string, (worker: string) => Promise<unknown>]>([
  ["a paused queue", () => pauseQueue(db, "a paused queue")],
  ["an expired lease", (worker) => sql`update soniq_workers set lease_expires_at = now() where id = ${worker}`],
])("with %s, the job is settled and none is claimed", async (what, change) => {
  const { settled, claim } = await completeOne(what, change);
  expect(settled).toHaveLength(1);
  expect(claim.jobs).toEqual([]);
});

test("the commit is synchronous, because it is a settle's commit", async () => {
  await sql.unsafe(`
    create table observed (mode text);
    create function observe() returns trigger language plpgsql as
      $$ begin insert into observed values (current_setting('synchronous_commit')); return new; end $$;
    create trigger observe after update on soniq_jobs for each row when (new.queue = 'durable' and new.state = 'completed')
      execute function observe()`);
  await completeOne("durable");
  expect(await sql`select mode from observed`).toEqual([{ mode: "on" }]);
});

test("a settle that waits for a lock does not lose its job, and its claim comes later", async () => {
  const lock: { release?: () => Promise<unknown> } = {};
  const job = jobFor("locked", async (n) => {
    if (n === 5) lock.release = await transactionWith(sql, "select from soniq_jobs where payload = '5' for update");
  });
  const ids = (await enqueueCount(job, 10)).map(({ id }) => id);
  const { settled } = await startSerialWorker(job, { pollInterval: "50ms" });
  await settled(ids.at(-1) as number, "completed");
  await lock.release?.();
  await settled(ids[5] as number, "completed");
  const [states] =
    await sql`select count(*)::int, max(claims) as claims from soniq_jobs where queue = 'locked' and state = 'completed'`;
  expect(states).toEqual({ count: 10, claims: 1 });
});

test("a worker that stops releases the job that its last settle claimed", async () => {
  let ended = 0;
  const job = jobFor("stopping", () => void (ended += 1));
  await enqueueCount(job, 2_000);
  const { worker } = await startSerialWorker(job, { queues: { stopping: { concurrency: 10 } } });
  await until(async () => ended > 50);
  await worker.stop();
  const [left] = await sql`
    select count(*) filter (where state = 'active')::int as active, count(*) filter (where state = 'completed')::int as completed
    from soniq_jobs where queue = 'stopping'`;
  expect(left).toEqual({ active: 0, completed: ended });
});

test("several slots share a backlog, and each job runs once", async () => {
  const runs = new Map<number, number>();
  const job = jobFor("shared", (n) => void runs.set(n, (runs.get(n) ?? 0) + 1));
  await enqueueCount(job, 1_000);
  await startSerialWorker(job, { queues: { shared: { concurrency: 7 } } });
  await until(async () => {
    const [left] = await sql`select count(*)::int from soniq_jobs where queue = 'shared' and state <> 'completed'`;
    return left?.["count"] === 0;
  });
  expect([...runs.values()]).toEqual(Array(1_000).fill(1));
  const later = await enqueue(db, job, 1_000);
  await until(async () => (await jobRow(db, later.id))?.state === "completed");
});
