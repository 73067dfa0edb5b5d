// What users set for their role or database (how times are written, in which zone) changes nothing of what is read or deleted.
import { drizzle as overPg } from "drizzle-orm/node-postgres";
import { drizzle as overPostgresJs } from "drizzle-orm/postgres-js";
import { Pool } from "pg";
import postgres from "postgres";
import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { listAudit } from "../../src/audit/list-audit.ts";
import type { Queryable } from "../../src/core/queryable.ts";
import { getJob, getResult } from "../../src/index.ts";
import {
  exportDeadLetters,
  listDeadLetters,
  listJobs,
  listQueues,
  listSchedules,
  listWorkers,
  purgeDeadLetters,
  retryDeadLetters,
  summarizeDeadLetters,
} from "../../src/admin.ts";
import { defineJob } from "../../src/jobs/definition/define-job.ts";
import { findPrunable, findPruneHorizon, pruneStart } from "../../src/jobs/upkeep/prune.ts";
import { expectEnqueued } from "../../src/testing.ts";
import { listDeliveries, listEndpoints } from "../../src/webhooks.ts";
import { connect } from "../../src/database/connect.ts";
import { deliveryJob } from "../../src/webhooks/delivery.ts";
import { testDatabase } from "../support/database.ts";

const { url, db, sql } = await testDatabase();
const name = new URL(url).pathname.slice(1);
const endpoint = "33333333-3333-4333-8333-333333333333";

const hostile = [
  { datestyle: "SQL, DMY", timezone: "Asia/Kolkata", intervalstyle: "sql_standard" },
  { datestyle: "German", timezone: "America/New_York", intervalstyle: "iso_8601" },
  { datestyle: "Postgres, MDY", timezone: "Asia/Shanghai", intervalstyle: "postgres_verbose" },
];

beforeAll(async () => {
  await sql`insert into soniq_jobs (name, payload, state, reason, finished_at, created_at, run_at, claimed_at, errors, tags)
    select 'send', '{"n": 1}', state, 'out of attempts: no', time + n * interval '1.000001 hours', time, time, time, '[{"name": "Error"}]', '["a"]'
    from generate_series(1, 30) n, unnest(array['completed', 'dead', 'cancelled']) state,
      (values (timestamptz '2026-03-04 05:06:07.123456+00')) as at (time)`;
  await sql`insert into soniq_jobs (name, payload, run_at, created_at) values ('later', '{}', '2030-05-06 07:08:09+00', '2026-03-04 05:06:07+00')`;
  await sql`insert into soniq_workers (host, started_at, beat_at, lease_expires_at, ended_at)
    values ('a', '2026-03-04 05:06:07+00', '2026-03-04 06:06:07+00', '2026-03-04 07:06:07+00', '2026-03-04 08:06:07+00')`;
  await sql`insert into soniq_queues (name, paused_at) values ('paused', '2026-03-04 05:06:07+00')`;
  await sql`insert into soniq_schedules (name, cron, job_name, next_run_at, last_tick_at)
    values ('daily', '0 2 * * *', 'send', '2030-05-06 02:00:00+00', '2026-03-04 02:00:00+00')`;
  await sql`insert into soniq_schedules (name, cron, job_name, paused_at, orphaned_at) values ('still', '0 2 * * *', 'send', '2026-03-04 05:06:07+00', '2026-03-04 06:06:07+00')`;
  await sql`insert into soniq_audit (at, actor, action, outcome) values ('2026-03-04 05:06:07+00', 'ada', 'queue.pause', 'done')`;
  await sql`insert into soniq_webhook_endpoints (id, url, secrets, open_until, created_at) values (${endpoint}, 'https://example.com', '[]', '2030-03-04 05:06:07+00', '2026-03-04 05:06:07+00')`;
  await sql`insert into soniq_jobs (name, queue, payload, state, created_at, finished_at)
    values (${deliveryJob.name}, 'soniq:webhooks', ${sql.json({ endpoint, event: "e", id: "m" } as never)}, 'completed', '2026-03-04 05:06:07+00', '2026-03-04 06:06:07+00')`;
});

let expected: Awaited<ReturnType<typeof readAll>>;
beforeAll(async () => (expected = await readAll(db)));

/** All that is read, without what depends on the moment. */
async function readAll(on: Queryable) {
  const [{ id } = { id: 0 }] = await sql<
    { id: number }[]
  >`select id::int from soniq_jobs where name = 'send' order by id limit 1`;
  const exported = [];
  for await (const letter of exportDeadLetters(on, { since: new Date("2026-03-05T00:00:00Z") }))
    exported.push(letter.id);
  const first = await listDeadLetters(on, {}, { limit: 7 });
  return {
    jobs: await listJobs(on, { name: "send" }),
    later: await listJobs(on, { name: "later" }),
    job: await getJob(on, id),
    result: await getResult(on, defineJob({ name: "send", payload: v.any() }), id),
    queues: (await listQueues(on)).map((queue) => ({ ...queue, latencyMs: null })),
    workers: (await listWorkers(on)).map((worker) => ({ ...worker, leaseLeftMs: null })),
    deadLetters: first,
    nextDeadLetters: await listDeadLetters(on, {}, { limit: 7, cursor: first.next }),
    exported,
    summary: await summarizeDeadLetters(on),
    schedules: await listSchedules(on),
    audit: await listAudit(on),
    endpoints: await listEndpoints(on),
    deliveries: await listDeliveries(on, endpoint),
    enqueued: await expectEnqueued(on, defineJob({ name: "later", payload: v.any() })),
    prunable: await pagesOf(on),
  };
}

/** What prune finds page by page, and where. */
async function pagesOf(on: Queryable): Promise<unknown[]> {
  const pages = [];
  const before = "2026-03-05 05:06:07+00";
  let after = pruneStart;
  for (;;) {
    const page = await findPrunable(on, { state: "completed", before, after, limit: 7 });
    pages.push(page);
    if (!page.next) return pages;
    after = page.next;
  }
}

describe.each(hostile)("with $datestyle, $timezone and $intervalstyle", ({ datestyle, timezone, intervalstyle }) => {
  beforeAll(async () => {
    for (const [key, value] of Object.entries({ datestyle, timezone, intervalstyle }))
      await sql.unsafe(`alter database ${name} set ${key} = '${value}'`);
  });
  afterAll(() => sql.unsafe(`alter database ${name} reset all`));

  /** The application's own databases, whose sessions have these settings. */
  async function over<T>(run: (on: Queryable) => Promise<T>): Promise<T[]> {
    const client = postgres(url, { max: 1, onnotice: () => {} });
    const pool = new Pool({ connectionString: url, max: 1 });
    try {
      return [await run(overPostgresJs({ client })), await run(overPg({ client: pool }))];
    } finally {
      await Promise.all([client.end(), pool.end()]);
    }
  }

  test("all reads bring the same, over both drivers", async () => {
    expect(expected.workers[0]).toMatchObject({
      startedAt: new Date("2026-03-04T05:06:07Z"),
      endedAt: new Date("2026-03-04T08:06:07Z"),
    });
    expect(expected.prunable.length).toBeGreaterThan(2);
    for (const found of await over(readAll)) expect(found).toEqual(expected);
  });

  test("a retention of so many hours is so many hours", async () => {
    const horizons = await over((on) => findPruneHorizon(on, 3_600_000));
    const [row] = await sql<{ hours: number[] }[]>`
      select array_agg(round(extract(epoch from now() - time::timestamptz) / 3600)::int) as hours from unnest(${horizons}::text[]) as time`;
    expect(row?.hours).toEqual([1, 1]);
  });

  test("the engine's own connections have settings of their own", async () => {
    const engine = connect(url, 1);
    const settings = await engine.db.execute(
      "select current_setting('DateStyle') as style, current_setting('TimeZone') as zone, current_setting('IntervalStyle') as interval",
    );
    await engine.close();
    expect([...(settings as Iterable<unknown>)]).toEqual([
      { style: expect.stringMatching(/^ISO/), zone: "UTC", interval: "postgres" },
    ]);
  });

  describe("in bulk", () => {
    beforeEach(async () => {
      await sql`delete from soniq_jobs where name = 'bulk'`;
      await sql`insert into soniq_jobs (name, payload, state, reason, finished_at) select 'bulk', '{}', 'dead', 'no', now() from generate_series(1, 5)`;
    });
    afterAll(() => sql`delete from soniq_jobs where name = 'bulk'`);

    test.each([
      ["retried", async (on: Queryable) => (await retryDeadLetters(on, { name: "bulk" })).retried],
      ["purged", async (on: Queryable) => (await purgeDeadLetters(on, { name: "bulk" })).purged],
    ])("dead letters that died before now are %s, and none that die meanwhile", async (_, run) => {
      const client = postgres(url, { max: 1, onnotice: () => {} });
      // One that dies after the beginning, by up to as much as time zones differ.
      await sql`insert into soniq_jobs (name, payload, state, reason, finished_at) values ('bulk', '{}', 'dead', 'no', now() + interval '20 minutes')`;
      expect(await run(overPostgresJs({ client }))).toBe(5);
      expect(
        await sql`select from soniq_jobs where name = 'bulk' and state = 'dead' and finished_at > now()`,
      ).toHaveLength(1);
      await client.end();
    });
  });
});
