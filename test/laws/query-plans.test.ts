// Which way each statement takes to its rows, and how many it meets on that way: speed that does not depend on the machine.
import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Queryable } from "../../src/core/queryable.ts";
import { appendLogs } from "../../src/jobs/settle/append-logs.ts";
import { cancelJob } from "../../src/jobs/control/cancel-job.ts";
import { claim } from "../../src/jobs/claim/claim.ts";
import { ClaimPositions, queueStart } from "../../src/jobs/claim/claim-positions.ts";
import { deleteCompleted } from "../../src/jobs/settle/delete-completed.ts";
import { discardJob } from "../../src/jobs/control/discard-job.ts";
import { getJob } from "../../src/jobs/read/get-job.ts";
import { defineJob } from "../../src/jobs/definition/define-job.ts";
import { findResult } from "../../src/jobs/read/get-result.ts";
import { listJobs } from "../../src/jobs/read/list-jobs.ts";
import { findUnansweredClaims, findOwned } from "../../src/jobs/claim/ownership.ts";
import { rescueFromEnded } from "../../src/jobs/upkeep/rescue.ts";
import { runJobNow } from "../../src/jobs/control/run-now.ts";
import { saveProgress } from "../../src/jobs/settle/save-progress.ts";
import { settle, settleUnlocked } from "../../src/jobs/settle/settle.ts";
import type { Settlement } from "../../src/jobs/settle/settlement.ts";
import { findEndedClaims } from "../../src/jobs/settle/find-ended-claims.ts";
import { findUnworkedQueues } from "../../src/queues/find-unworked-queues.ts";
import { fire } from "../support/schedules.ts";
import { findUpcoming, type UpcomingSchedule } from "../../src/schedules/find-upcoming.ts";
import { findEndedSessions } from "../../src/sessions/end-sessions.ts";
import { listWorkers } from "../../src/sessions/list-workers.ts";
import { beat } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { byPrimaryKey, observedEngine, rowsRead, stepsAmongJobs, waysToJobs } from "./observed-engine.ts";

const { url, sql } = await testDatabase();
const engine = observedEngine(url);
afterAll(() => engine.close());

const worker = "11111111-1111-4111-8111-111111111111";
const deadWorker = "22222222-2222-4222-8222-222222222222";

// Nobody but the tests decides how old the planner's statistics are.
beforeAll(() => sql`alter table soniq_jobs set (autovacuum_enabled = false)`);

async function forgetAll() {
  await sql`truncate soniq_jobs, soniq_workers`;
  await sql`vacuum analyze soniq_jobs`;
  await sql`insert into soniq_workers (id, lease_expires_at) values (${worker}, now() + interval '1 day')`;
}

const claimInput = {
  workerId: worker,
  claimToken: 1,
  queue: "default",
  limit: 50,
  deadlines: "{}",
  defaultDeadlineMs: 60_000,
};
const claimAll = (db: Queryable) => claim(db, { ...claimInput, from: queueStart });
const completed = (jobs: readonly { id: number; claimToken: number }[]): Settlement[] =>
  jobs.map(({ id, claimToken }) => ({ id, claimToken, outcome: { kind: "completed", result: null } }));

const byClaimIndex = "Index Scan on soniq_jobs using soniq_jobs_claim";
const byOwner = "Index Scan on soniq_jobs using soniq_jobs_owner";

describe("a claim", () => {
  beforeEach(forgetAll);

  test("meets only the jobs it claims, however many wait for later at a better priority or now at a worse one", async () => {
    await sql`insert into soniq_jobs (name, payload, priority, run_at)
      select 'later', '{}', 0, now() + interval '1 day' from generate_series(1, 100000)`;
    await sql`insert into soniq_jobs (name, payload, priority) select 'last', '{}', 9 from generate_series(1, 20000)`;
    await sql`insert into soniq_jobs (name, payload) select 'due', '{}' from generate_series(1, 50)`;
    await sql`vacuum analyze soniq_jobs`;
    const claiming = await engine.observe(claimAll);
    expect(stepsAmongJobs(claiming)).toEqual(new Set([byClaimIndex, byPrimaryKey]));
    expect(claiming.read["soniq_jobs_claim"]).toBe(50);
    expect(claiming.blocks["soniq_jobs_claim"]).toBeLessThan(60);
    expect(rowsRead(claiming)).toBeLessThan(150);
    expect(new Set((await claimAll(engine.db)).map(({ name }) => name))).toEqual(new Set(["due"]));
  });

  test("and its settle keep to their ways when a burst comes to a table that was empty as they were first run", async () => {
    for (let round = 0; round < 10; round += 1) {
      await claimAll(engine.db);
      await settle(engine.db, worker, completed([{ id: 1, claimToken: 1 }]));
    }
    await sql`insert into soniq_jobs (name, payload) select 'burst', '{}' from generate_series(1, 150000)`;
    const claiming = await engine.observe(claimAll);
    expect(stepsAmongJobs(claiming)).toEqual(new Set([byClaimIndex, byPrimaryKey]));
    expect(rowsRead(claiming)).toBeLessThan(150);

    const jobs = await claimAll(engine.db);
    expect(jobs).toHaveLength(50);
    const settling = await engine.observe((db) => settle(db, worker, completed(jobs)));
    expect(stepsAmongJobs(settling)).toEqual(new Set([byPrimaryKey]));
    expect(rowsRead(settling)).toBeLessThan(200);
  });

  test("that starts where the last one ended does not walk what those before left, while a snapshot pins it", async () => {
    await sql`insert into soniq_jobs (name, payload, run_at)
      select 'pinned', '{}', now() - interval '1 hour' + n * interval '1 microsecond' from generate_series(1, 20000) n`;
    await sql`vacuum analyze soniq_jobs`;
    const reader = await sql.reserve();
    await reader`begin isolation level repeatable read`;
    await reader`select from soniq_jobs limit 1`;
    const marks = new ClaimPositions();
    for (let round = 0; round < 40; round += 1) {
      marks.advance(await claim(engine.db, { ...claimInput, limit: 400, from: marks.starts() }));
    }
    const fromMarks = await engine.observe((db) => claim(db, { ...claimInput, from: marks.starts() }));
    const look = await engine.observe(claimAll);
    await reader`rollback`;
    reader.release();
    expect(fromMarks.read["soniq_jobs_claim"]).toBeLessThan(2_000);
    expect(look.read["soniq_jobs_claim"]).toBeGreaterThan(16_000);
  });
});

const aLine = '{"afterUs":1,"message":"a line"}';
type Claimed = { id: number; claimToken: number };
const idsOf = (jobs: readonly Claimed[]) => jobs.map(({ id }) => id);
const byId: Record<string, (db: Queryable, held: readonly Claimed[]) => Promise<unknown>> = {
  "settling a hundred": (db, held) => settle(db, worker, completed(held)),
  "settling one": (db, held) => settle(db, worker, completed(held.slice(0, 1))),
  "settling what nobody has locked": (db, held) => settleUnlocked(db, worker, completed(held)),
  "settling what has logged": (db, held) =>
    settle(
      db,
      worker,
      completed(held).map((one) => ({ ...one, logs: `[${aLine}]` })),
    ),
  "appending to logs": (db, held) =>
    appendLogs(
      db,
      held.map((one) => ({ ...one, workerId: worker, lines: [aLine] })),
    ),
  "settling by deletion": (db, held) => deleteCompleted(db, worker, completed(held)),
  "asking what was settled": (db, held) => findEndedClaims(db, worker, completed(held)),
  "asking for ownership": (db, held) => findOwned(db, worker, idsOf(held)),
  "saving progress": (db, held) => saveProgress(db, worker, held[0] as Claimed, "1"),
  "reading a result": (db, held) =>
    findResult(db, defineJob({ name: "held", payload: v.any() }), held[0]?.id as number, true),
  "reading a job": (db, held) => getJob(db, held[0]?.id as number),
  cancelling: (db, held) => cancelJob(db, held[0]?.id as number),
  "running one now": (db, held) => runJobNow(db, held[0]?.id as number),
  discarding: (db, held) => discardJob(db, held[0]?.id as number),
};

describe.each([
  { when: "statistics say that no job is active", plannedBefore: false },
  { when: "they were planned while the table was empty, before a burst", plannedBefore: true },
])("where one worker holds 20,000 jobs and a dead one 10, and $when:", ({ plannedBefore }) => {
  const held: Claimed[] = [];

  beforeAll(async () => {
    await forgetAll();
    const none = [{ id: 1, claimToken: 1 }];
    if (plannedBefore) {
      for (const run of Object.values(byId)) await run(engine.db, none);
      await rescueFromEnded(engine.db, 5, { limit: 500 });
      await findEndedSessions(engine.db, [], 0);
      await findUnansweredClaims(engine.db, deadWorker, [], 0);
    }
    await sql`insert into soniq_jobs (name, payload) select 'held', '{}' from generate_series(1, 50000)`;
    if (!plannedBefore) await sql`vacuum analyze soniq_jobs`;
    await sql`insert into soniq_workers (id, ended_at) values (${deadWorker}, now())`;
    const take = (session: string, jobs: number) => sql`
      update soniq_jobs set state = 'active', worker_id = ${session}, claims = 1, claim_token = 1, claimed_at = now()
      where id in (select id from soniq_jobs where state = 'queued' order by id limit ${jobs})`;
    await take(worker, 20_000);
    await take(deadWorker, 10);
    held.push(
      ...(await sql<Claimed[]>`
        select id::int, claim_token as "claimToken" from soniq_jobs where worker_id = ${worker} order by id limit 100`),
    );
  });

  test.each(Object.keys(byId))("%s goes by primary key", async (name) => {
    const observed = await engine.observe((db) => byId[name]?.(db, held) as Promise<unknown>);
    expect(stepsAmongJobs(observed)).toEqual(new Set([byPrimaryKey]));
    expect(waysToJobs(observed)).toEqual(["soniq_jobs_pkey"]);
    expect(rowsRead(observed)).toBeLessThan(1_500);
  });

  test("a rescue goes by owner, and meets only the jobs of the dead", async () => {
    const observed = await engine.observe((db) => rescueFromEnded(db, 5, { limit: 500 }));
    expect(stepsAmongJobs(observed)).toEqual(new Set([byOwner, byPrimaryKey]));
    expect(observed.read["soniq_jobs_owner"]).toBe(10);
    expect(rowsRead(observed)).toBeLessThan(50);
  });

  test("which sessions of many that ended hold jobs is asked session by session, and meets one job of each that does", async () => {
    await sql`insert into soniq_workers (ended_at) select now() from generate_series(1, 30)`;
    const observed = await engine.observe((db) => findEndedSessions(db, [], 0));
    expect(observed.read["soniq_jobs_owner"]).toBe(1);
  });

  test("a list of the active ones goes by owner, and does not look at the others", async () => {
    const observed = await engine.observe((db) => listJobs(db, { state: "active" }));
    expect(stepsAmongJobs(observed)).toContain(byOwner);
    expect(observed.read["soniq_jobs"]).toBeUndefined();
  });

  test("a list of the workers counts by owner what each has, and no more than ten thousand", async () => {
    const observed = await engine.observe((db) => listWorkers(db));
    expect(stepsAmongJobs(observed)).toEqual(new Set([byOwner]));
    expect(observed.read["soniq_jobs_owner"]).toBeLessThan(10_100);
  });

  test("lost claims are searched by owner", async () => {
    const observed = await engine.observe((db) => findUnansweredClaims(db, deadWorker, [], 0));
    expect(observed.steps).toEqual([byOwner]);
    expect(rowsRead(observed)).toBe(10);
  });
});

test("what the engine prepares is planned once", async () => {
  await forgetAll();
  for (let round = 0; round < 10; round += 1) {
    await claimAll(engine.db);
    await settle(engine.db, worker, completed([{ id: 1, claimToken: 1 }]));
  }
  const [plans] = (await engine.db.execute(
    "select max(generic_plans)::int as most, sum(custom_plans)::int as custom from pg_prepared_statements where statement like 'update \"soniq_jobs\"%'",
  )) as [{ most: number; custom: number }];
  expect(plans.custom).toBe(0);
  expect(plans.most).toBeGreaterThanOrEqual(10);
});

test("a list looks at ten thousand jobs by primary key, and no more, when none fits", async () => {
  await forgetAll();
  await sql`insert into soniq_jobs (name, payload) select 'x', '{}' from generate_series(1, 100000)`;
  await sql`vacuum analyze soniq_jobs`;
  for (const filter of [
    { name: "y" },
    { queue: "y" },
    { state: "completed" },
    { tag: "y" },
    { payload: { path: "a.b", value: "1" } },
    { since: new Date(2_000, 1), before: new Date(2_000, 2) },
  ] as const) {
    const observed = await engine.observe((db) => listJobs(db, filter));
    expect(waysToJobs(observed)).toEqual(["soniq_jobs_pkey"]);
    expect(rowsRead(observed)).toBeLessThan(20_100);
  }
});

test("a heartbeat goes by primary key and touches no job", async () => {
  await forgetAll();
  await sql`insert into soniq_workers (id) select gen_random_uuid() from generate_series(1, 2000)`;
  await sql`vacuum analyze soniq_workers`;
  const observed = await engine.observe((db) => beat(db, worker, 20_000));
  expect(observed.read).toEqual({ soniq_workers_pkey: 1 });
});

test("queues that nobody works are found by hopping, not by reading what waits in them", async () => {
  await forgetAll();
  await sql`insert into soniq_jobs (name, payload, queue) select 'x', '{}', 'queue ' || n % 3 from generate_series(1, 100000) n`;
  await sql`vacuum analyze soniq_jobs`;
  const observed = await engine.observe(async (db) => expect(await findUnworkedQueues(db, [])).toHaveLength(3));
  expect(waysToJobs(observed)).toEqual(["soniq_jobs_claim"]);
  expect(rowsRead(observed)).toBeLessThan(10);
});

test("the next ticks of thousands of schedules are read in order, and one fires by primary keys among 100,000 jobs", async () => {
  await forgetAll();
  await sql`truncate soniq_schedules`;
  await sql`insert into soniq_jobs (name, payload) select 'x', '{}' from generate_series(1, 100000)`;
  await sql`insert into soniq_schedules (name, job_name, every_ms, next_run_at, paused_at, last_job_id, options)
    select n::text, 'x', 1000, now() + (n - 2) * interval '1 minute', case when n % 2 = 1 then now() end, (select max(id) from soniq_jobs),
      '{"queue": "default", "priority": 5, "maxAttempts": 1, "tags": []}' from generate_series(1, 5000) n`;
  await sql`vacuum analyze soniq_jobs, soniq_schedules`;
  const looking = await engine.observe((db) => findUpcoming(db, { limit: 10 }));
  // One more, to see that no other schedule ticks at the same time as the last.
  expect(looking.read).toEqual({ soniq_schedules_next: 11 });

  const [next] = (await findUpcoming(engine.db, { limit: 1 })) as [UpcomingSchedule];
  const firing = await engine.observe(async (db) => expect(await fire(db, next)).toBe(0));
  const byKey = "Index Scan on soniq_jobs using soniq_jobs_unique";
  expect(stepsAmongJobs(firing)).toEqual(new Set([byPrimaryKey, byKey]));
  expect(rowsRead(firing)).toBeLessThan(10);
});
