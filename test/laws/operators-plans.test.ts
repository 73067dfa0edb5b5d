// Which way the statements take that people ask for: listing, retrying and purging dead letters, and looking at queues.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Queryable } from "../../src/core/queryable.ts";
import { countDeadLetters } from "../../src/dead-letters/count.ts";
import { listDeadLetters } from "../../src/dead-letters/list.ts";
import { purgeDeadLetters } from "../../src/dead-letters/purge.ts";
import { retryDeadLetters } from "../../src/dead-letters/retry.ts";
import { claim } from "../../src/jobs/claim/claim.ts";
import { queueStart } from "../../src/jobs/claim/claim-positions.ts";
import { hasOutstanding } from "../../src/jobs/read/has-outstanding.ts";
import { retryJobs } from "../../src/jobs/control/retry-jobs.ts";
import { listQueues } from "../../src/queues/list-queues.ts";
import { testDatabase } from "../support/database.ts";
import { byPrimaryKey, observedEngine, rowsRead, stepsAmongJobs } from "./observed-engine.ts";

const { url, sql } = await testDatabase();
const engine = observedEngine(url);
afterAll(() => engine.close());

const worker = "11111111-1111-4111-8111-111111111111";
beforeAll(async () => {
  await sql`alter table soniq_jobs set (autovacuum_enabled = false)`;
  await sql`insert into soniq_workers (id, lease_expires_at) values (${worker}, now() + interval '1 day')`;
});

async function forgetJobs() {
  await sql`truncate soniq_jobs`;
  await sql`vacuum analyze soniq_jobs`;
}

const byDeath = "Index Scan on soniq_jobs using soniq_jobs_dead";

/** Dead letters, a microsecond apart. */
const die = (jobs: number) => sql<{ id: number }[]>`
  insert into soniq_jobs (name, payload, state, unique_held, reason, finished_at)
  select 'died', '{}', 'dead', false, 'no', now() - interval '1 hour' + n * interval '1 microsecond' from generate_series(1, ${jobs}) n
  returning id::int`;

describe("among fifty thousand dead letters", () => {
  let ids: number[];
  beforeAll(async () => {
    await forgetJobs();
    ids = (await die(50_000)).map(({ id }) => id);
    await sql`insert into soniq_jobs (name, payload, state, finished_at) select 'done', '{}', 'completed', now() from generate_series(1, 20000)`;
    await sql`vacuum analyze soniq_jobs`;
  });

  test("a page is found by when they died, wherever it begins", async () => {
    for (const cursor of [undefined, (await listDeadLetters(engine.db, {}, { limit: 1_000 })).next]) {
      const observed = await engine.observe((db) => listDeadLetters(db, {}, { cursor, limit: 50 }));
      expect(stepsAmongJobs(observed)).toEqual(new Set([byDeath]));
      expect(rowsRead(observed)).toBe(51);
    }
  });

  test("they are counted by that index, no more of them than ten thousand", async () => {
    const observed = await engine.observe((db) => countDeadLetters(db));
    expect(stepsAmongJobs(observed)).toEqual(new Set([byDeath.replace("Index Scan", "Index Only Scan")]));
    expect(rowsRead(observed)).toBe(10_000);
  });

  test("retrying all of them meets each a few times, since each batch begins where the last one ended", async () => {
    const observed = await engine.observe((db) => retryDeadLetters(db, {}));
    expect(observed.read["soniq_jobs_dead"]).toBeLessThan(52_000);
    expect(rowsRead(observed)).toBeLessThan(300_000);
  });

  test("so does purging", async () => {
    const observed = await engine.observe((db) => purgeDeadLetters(db, {}));
    expect(observed.read["soniq_jobs_dead"]).toBeLessThan(52_000);
    expect(rowsRead(observed)).toBeLessThan(300_000);
  });

  test("ten are retried by primary key", async () => {
    const observed = await engine.observe((db) => retryJobs(db, ids.slice(0, 10)));
    expect(stepsAmongJobs(observed)).toContain(byPrimaryKey);
    expect(rowsRead(observed)).toBeLessThan(100);
  });
});

test("where statistics say that none is dead, some of many are retried and purged by primary key all the same", async () => {
  await forgetJobs();
  const ids = (await die(20_000)).map(({ id }) => id);
  for (const change of [
    (db: Queryable) => retryJobs(db, ids.slice(0, 100)),
    (db: Queryable) => purgeDeadLetters(db, { ids: ids.slice(0, 100) }),
  ]) {
    const observed = await engine.observe(change);
    expect(rowsRead(observed)).toBeLessThan(2_000);
  }
});

describe("with a hundred thousand jobs in a paused queue", () => {
  beforeAll(async () => {
    await forgetJobs();
    await sql`insert into soniq_jobs (name, queue, payload) select 'waits', 'paused', '{}' from generate_series(1, 100000)`;
    await sql`insert into soniq_jobs (name, queue, payload, run_at, priority)
      select 'later', 'scheduled', '{}', now() + interval '1 day', n % 10 from generate_series(1, 50000) n`;
    await sql`insert into soniq_jobs (name, queue, payload, run_at) select 'parked', 'webhooks', '{}', 'infinity' from generate_series(1, 50000)`;
    await sql`vacuum analyze soniq_jobs`;
    await sql`insert into soniq_queues (name, paused_at) values ('paused', now())`;
  });

  test("a claim meets none of them, nor does a look from the beginning", async () => {
    const input = {
      workerId: worker,
      claimToken: 1,
      queue: "paused",
      limit: 50,
      deadlines: "{}",
      defaultDeadlineMs: 60_000,
    };
    const observed = await engine.observe((db) => claim(db, { ...input, from: queueStart }));
    expect(Object.keys(observed.read).filter((name) => name.startsWith("soniq_jobs"))).toEqual([]);
    // The planner reads its first block.
    expect(observed.blocks["soniq_jobs_claim"]).toBeLessThan(3);
  });

  test("nor does a worker that drains", async () => {
    const observed = await engine.observe((db) => hasOutstanding(db, ["paused", "elsewhere"], 0));
    expect(rowsRead(observed)).toBeLessThan(10);
  });

  test("queues are listed by counting no more than ten thousand of a kind", async () => {
    const observed = await engine.observe((db) => listQueues(db));
    expect(rowsRead(observed)).toBeLessThan(50_000);
  });
});
