// Which way each statement takes to its rows, and how many it meets on that way: speed that does not depend on the machine.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as v from "valibot";
import type { Queryable } from "../../src/core/queryable.ts";
import { appendLogs } from "../../src/jobs/append-logs.ts";
import { cancel } from "../../src/jobs/cancel.ts";
import { claim } from "../../src/jobs/claim.ts";
import { ClaimMarks, fromTheBeginning } from "../../src/jobs/claim-marks.ts";
import { defineJob } from "../../src/jobs/define-job.ts";
import { deleteCompleted } from "../../src/jobs/delete-completed.ts";
import { discard } from "../../src/jobs/discard-job.ts";
import { enqueueMany } from "../../src/jobs/enqueue-many.ts";
import { enqueue } from "../../src/jobs/enqueue.ts";
import { findKeyHolder } from "../../src/jobs/key-holders.ts";
import type { Enqueued } from "../../src/jobs/new-job.ts";
import { getJob } from "../../src/jobs/get-job.ts";
import { findResult } from "../../src/jobs/get-result.ts";
import { listJobs } from "../../src/jobs/list-jobs.ts";
import { findLostClaims, findOwned } from "../../src/jobs/ownership.ts";
import {
  deleteFinished,
  findPrunable,
  pruneFromTheBeginning,
  type PruneInput,
  type PruneMark,
} from "../../src/jobs/prune.ts";
import { rescueFromEnded } from "../../src/jobs/rescue.ts";
import { runNow } from "../../src/jobs/run-now.ts";
import { saveProgress } from "../../src/jobs/save-progress.ts";
import { settle, type Settlement, settleUnlocked } from "../../src/jobs/settle.ts";
import { findEnded } from "../../src/jobs/settled-before.ts";
import { findUnworkedQueues } from "../../src/queues/unworked.ts";
import { dueTicks } from "../../src/schedules/due-ticks.ts";
import { fire } from "../../src/schedules/fire.ts";
import { findUpcoming, type UpcomingSchedule } from "../../src/schedules/upcoming.ts";
import { findEndedSessions } from "../../src/sessions/expire.ts";
import { listWorkers } from "../../src/sessions/list-workers.ts";
import { beat } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { type Observed, observedEngine } from "./observed-engine.ts";

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

const claimInput = { workerId: worker, queue: "default", limit: 50, deadlines: "{}", defaultDeadlineMs: 60_000 };
const claimAll = (db: Queryable) => claim(db, { ...claimInput, from: fromTheBeginning });
const completed = (jobs: readonly { id: number; claims: number }[]): Settlement[] =>
  jobs.map(({ id, claims }) => ({ id, claims, outcome: { kind: "completed", result: null } }));

/** The indexes of the jobs that were read, and the table itself if it was scanned. */
const waysToJobs = ({ read }: Observed) => Object.keys(read).filter((name) => name.startsWith("soniq_jobs"));
const rowsRead = ({ read }: Observed) => Object.values(read).reduce((sum, rows) => sum + rows, 0);
const stepsAmongJobs = ({ steps }: Observed) => new Set(steps.filter((step) => /Scan on soniq_jobs/.test(step)));

/** A time so long ago, as the database writes it. */
const ago = (age: string) => sql<[{ at: string }]>`select (now() - ${age}::interval)::text as at`;

const byClaimIndex = "Index Scan on soniq_jobs using soniq_jobs_claim";
const byPrimaryKey = "Index Scan on soniq_jobs using soniq_jobs_pkey";
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
      await settle(engine.db, worker, completed([{ id: 1, claims: 1 }]));
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
    const marks = new ClaimMarks();
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
type Claimed = { id: number; claims: number };
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
  "asking what was settled": (db, held) => findEnded(db, worker, completed(held)),
  "asking for ownership": (db, held) => findOwned(db, worker, idsOf(held)),
  "saving progress": (db, held) => saveProgress(db, worker, held[0] as Claimed, "1"),
  "reading a result": (db, held) => findResult(db, { name: "held" }, held[0]?.id as number, true),
  "reading a job": (db, held) => getJob(db, held[0]?.id as number),
  cancelling: (db, held) => cancel(db, held[0]?.id as number),
  "running one now": (db, held) => runNow(db, held[0]?.id as number),
  discarding: (db, held) => discard(db, held[0]?.id as number),
};

describe.each([
  { when: "statistics say that no job is active", plannedBefore: false },
  { when: "they were planned while the table was empty, before a burst", plannedBefore: true },
])("where one worker holds 20,000 jobs and a dead one 10, and $when:", ({ plannedBefore }) => {
  const held: Claimed[] = [];

  beforeAll(async () => {
    await forgetAll();
    const none = [{ id: 1, claims: 1 }];
    if (plannedBefore) {
      for (const run of Object.values(byId)) await run(engine.db, none);
      await rescueFromEnded(engine.db, 5, 500);
      await findEndedSessions(engine.db, [], 0);
      await findLostClaims(engine.db, deadWorker, [], 0);
    }
    await sql`insert into soniq_jobs (name, payload) select 'held', '{}' from generate_series(1, 50000)`;
    if (!plannedBefore) await sql`vacuum analyze soniq_jobs`;
    await sql`insert into soniq_workers (id, ended_at) values (${deadWorker}, now())`;
    const take = (session: string, jobs: number) => sql`
      update soniq_jobs set state = 'active', worker_id = ${session}, claims = 1, claimed_at = now()
      where id in (select id from soniq_jobs where state = 'queued' order by id limit ${jobs})`;
    await take(worker, 20_000);
    await take(deadWorker, 10);
    held.push(
      ...(await sql<Claimed[]>`
        select id::int, claims from soniq_jobs where worker_id = ${worker} order by id limit 100`),
    );
  });

  test.each(Object.keys(byId))("%s goes by primary key", async (name) => {
    const observed = await engine.observe((db) => byId[name]?.(db, held) as Promise<unknown>);
    expect(stepsAmongJobs(observed)).toEqual(new Set([byPrimaryKey]));
    expect(waysToJobs(observed)).toEqual(["soniq_jobs_pkey"]);
    expect(rowsRead(observed)).toBeLessThan(1_500);
  });

  test("a rescue goes by owner, and meets only the jobs of the dead", async () => {
    const observed = await engine.observe((db) => rescueFromEnded(db, 5, 500));
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
    const observed = await engine.observe((db) => findLostClaims(db, deadWorker, [], 0));
    expect(observed.steps).toEqual([byOwner]);
    expect(rowsRead(observed)).toBe(10);
  });
});

describe("among a hundred thousand finished jobs", () => {
  beforeAll(async () => {
    await forgetAll();
    const finished = (state: string, jobs: number, age: string) => sql`
      insert into soniq_jobs (name, payload, state, finished_at)
      select 'finished', '{}', ${state}, now() - ${age}::interval + n * interval '1 microsecond' from generate_series(1, ${jobs}) n`;
    await finished("completed", 100_000, "1 hour");
    await finished("completed", 50, "2 days");
    await finished("dead", 30, "2 days");
    await sql`vacuum analyze soniq_jobs`;
  });

  type Finished = "completed" | "cancelled" | "dead";
  const prunable = async (db: Queryable, state: Finished, age: string, after = pruneFromTheBeginning) =>
    findPrunable(db, { state, before: (await ago(age))[0].at, after, limit: 1_000 });

  test("those past their retention are found by the time they finished", async () => {
    const observed = await engine.observe((db) => prunable(db, "completed", "1 day"));
    expect(waysToJobs(observed)).toEqual(["soniq_jobs_finished"]);
    expect(rowsRead(observed)).toBe(80);
  });

  test("those of some names, or of all others, likewise", async () => {
    for (const names of [{ only: ["finished", "other"] }, { except: ["other"] }]) {
      const before = (await ago("1 day"))[0].at;
      const observed = await engine.observe((db) =>
        findPrunable(db, { state: "completed", before, names, after: pruneFromTheBeginning, limit: 1_000 }),
      );
      expect(waysToJobs(observed)).toEqual(["soniq_jobs_finished"]);
      expect(rowsRead(observed)).toBe(80);
    }
  });

  test("few among very many that are kept longer are found page by page, and none is walked twice", async () => {
    const before = (await ago("1 minute"))[0].at;
    const found: number[] = [];
    let after: PruneMark | undefined = pruneFromTheBeginning;
    let pages = 0;
    while (after) {
      const input: PruneInput = { state: "completed", before, names: { only: ["rare"] }, after, limit: 10_000 };
      const observed = await engine.observe(async (db) => {
        const page = await findPrunable(db, input);
        found.push(...page.ids);
        after = page.next;
      });
      expect(observed.read["soniq_jobs_finished"]).toBeLessThanOrEqual(10_100);
      pages += 1;
    }
    expect(found).toEqual([]);
    expect(pages).toBe(11);
  });

  test("dead letters are found by an index of their own", async () => {
    const observed = await engine.observe((db) => prunable(db, "dead", "1 minute"));
    expect(waysToJobs(observed)).toEqual(["soniq_jobs_dead"]);
    expect(rowsRead(observed)).toBe(30);
  });

  test("what a round has passed over, the next one does not meet", async () => {
    const [{ at }] = await ago("1 minute");
    const from = { finishedAt: at, id: 0 };
    const observed = await engine.observe((db) => prunable(db, "cancelled", "1 minute", from));
    expect(rowsRead(observed)).toBe(0);
  });

  test("they are deleted by primary key", async () => {
    const { ids } = await prunable(engine.db, "completed", "1 day");
    const observed = await engine.observe((db) => deleteFinished(db, "completed", ids));
    expect(stepsAmongJobs(observed)).toEqual(new Set([byPrimaryKey]));
    expect(rowsRead(observed)).toBeLessThan(200);
  });
});

test("what the engine prepares is planned once", async () => {
  await forgetAll();
  for (let round = 0; round < 10; round += 1) {
    await claimAll(engine.db);
    await settle(engine.db, worker, completed([{ id: 1, claims: 1 }]));
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
    { field: { path: "a.b", value: "1" } },
    { since: new Date(2_000, 1), until: new Date(2_000, 2) },
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

describe("among a hundred thousand unique keys", () => {
  const payload = v.object({ to: v.string() });
  const mail = defineJob({ name: "mail", payload, unique: { by: ({ to }) => to } });
  const throttled = defineJob({ name: "mail", payload, unique: { by: ({ to }) => to, within: "1h" } });
  const latest = defineJob({ name: "mail", payload, unique: { by: ({ to }) => to, onConflict: "replace" } });
  const some = Array.from({ length: 100 }, (_, n) => ({ to: String(n * 7 + 1) }));

  beforeAll(async () => {
    await forgetAll();
    // The windows of half of them are over.
    await sql`insert into soniq_jobs (name, payload, unique_key, state, finished_at, unique_expires_at)
      select 'mail', '{}', 'mail:' || n, case n % 2 when 0 then 'queued' else 'completed' end,
        case n % 2 when 1 then now() end, case n % 2 when 1 then now() end from generate_series(1, 100000) n`;
    await sql`vacuum analyze soniq_jobs`;
  });

  const byKey = ["soniq_jobs_unique"];
  const byKeyAndId = ["soniq_jobs_pkey", "soniq_jobs_unique"];
  test.each<[string, (db: Queryable) => Promise<unknown>, string[], number]>([
    ["the holder of one is found", (db) => enqueue(db, mail, { to: "8" }), byKey, 10],
    ["the holders of some are found", (db) => enqueueMany(db, mail, some.slice(0, 50)), byKeyAndId, 1_500],
    ["one that is over is freed", (db) => enqueue(db, throttled, { to: "7" }), byKey, 10],
    ["some that are over are freed", (db) => enqueueMany(db, throttled, some), byKeyAndId, 1_500],
    ["the holder of one is replaced", (db) => enqueue(db, latest, { to: "8" }), byKey, 10],
    ["the holders of some are replaced", (db) => enqueueMany(db, latest, some.slice(0, 50)), byKeyAndId, 1_500],
  ])("%s by that key", async (_what, act, ways, rows) => {
    const observed = await engine.observe(act);
    expect(ways).toEqual(expect.arrayContaining(waysToJobs(observed)));
    expect(rowsRead(observed)).toBeLessThan(rows);
  });
});

describe("a key that was used three thousand times while a snapshot pins what that left", () => {
  const payload = v.object({ n: v.number() });
  const keep = defineJob({ name: "keep", payload, unique: { by: [] } });
  const uses = 3_000;
  let unpin: () => Promise<void>;

  beforeAll(async () => {
    await forgetAll();
    await sql`insert into soniq_jobs (name, payload, unique_key) select 'other', '{}', 'other:' || n from generate_series(1, 1000) n`;
    await sql`vacuum analyze soniq_jobs`;
    const reader = await sql.reserve();
    await reader`begin isolation level repeatable read`;
    await reader`select from soniq_jobs limit 1`;
    unpin = async () => {
      await reader`rollback`;
      reader.release();
    };
    await sql.unsafe(`do $$ begin for use in 1..${uses} loop
      insert into soniq_jobs (name, payload, unique_key) values ('keep', '{"n": 0}', 'keep:{}');
      commit;
      update soniq_jobs set state = 'completed', finished_at = now(), unique_held = false where unique_key = 'keep:{}' and unique_held;
      commit;
    end loop; end $$`);
    await enqueue(engine.db, keep, { n: 0 });
  });
  afterAll(() => unpin());

  test("is held by a job that is found at once", async () => {
    const observed = await engine.observe((db) => findKeyHolder(db, "keep:{}"));
    expect(observed.read).toMatchObject({ soniq_jobs_unique: 1 });
    expect(observed.blocks["soniq_jobs_unique"]).toBeLessThan(6);
  });

  // PostgreSQL makes sure that none of them holds it yet, until the snapshot has gone: 0.2 µs each, where it does.
  test("is met as often as it was used by an insert, whether or not that finds it held", async () => {
    const observed = await engine.observe((db) => enqueue(db, keep, { n: 1 }));
    expect(observed.read["soniq_jobs_unique"]).toBeGreaterThan(uses);
    expect(observed.read["soniq_jobs_unique"]).toBeLessThan(2 * uses);
  });

  /** How many versions of its row the enqueues of a job leave, which all have that key. */
  async function versions(enqueueIt: (n: number) => Promise<Enqueued>, times: number): Promise<number> {
    const seen = new Set<unknown>();
    for (let n = 0; n < times; n += 1) {
      const { id } = await enqueueIt(n);
      seen.add((await sql`select ctid::text from soniq_jobs where id = ${id}`)[0]?.["ctid"]);
    }
    return seen.size;
  }

  test("is not used up by what replaces a job with the same again", async () => {
    const replace = defineJob({ name: "replace", payload, unique: { by: [], onConflict: "replace" } });
    expect(await versions(() => enqueue(engine.db, replace, { n: 1 }), 20)).toBe(1);
    expect(await versions(async () => (await enqueueMany(engine.db, replace, [{ n: 1 }]))[0] as Enqueued, 20)).toBe(1);
    expect(await versions((n) => enqueue(engine.db, replace, { n }), 20)).toBeGreaterThan(10);
  });

  test("is used up by what reschedules a job no more than once a second", async () => {
    const save = defineJob({ name: "save", payload, unique: { by: [], onConflict: "reschedule" } });
    const second = async () => Number((await sql`select floor(extract(epoch from now())) as s`)[0]?.["s"]);
    const began = await second();
    const written = await versions(() => enqueue(engine.db, save, { n: 1 }, { delay: "1h" }), 100);
    expect(written).toBeLessThanOrEqual((await second()) - began + 2);
  });
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
  const looking = await engine.observe((db) => findUpcoming(db, 10));
  expect(looking.read).toEqual({ soniq_schedules_next: 10 });

  const [next] = (await findUpcoming(engine.db, 1)) as [UpcomingSchedule];
  const firing = await engine.observe(async (db) => expect(await fire(db, next, dueTicks(next))).toBe(0));
  const byKey = "Index Scan on soniq_jobs using soniq_jobs_unique";
  expect(stepsAmongJobs(firing)).toEqual(new Set([byPrimaryKey, byKey]));
  expect(rowsRead(firing)).toBeLessThan(10);
});
