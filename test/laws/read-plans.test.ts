// What reads cost by the planner's estimate, which decides whether PostgreSQL compiles them first: that takes seconds, over an
// application's own connections, on which `jit` is on.
import { drizzle } from "drizzle-orm/postgres-js";
import * as v from "valibot";
import { beforeAll, expect, test } from "vitest";
import { listAudit } from "../../src/audit/list-audit.ts";
import type { Queryable } from "../../src/core/queryable.ts";
import { countDeadLetters } from "../../src/dead-letters/count.ts";
import { getJob, getResult } from "../../src/index.ts";
import {
  listDeadLetters,
  listJobs,
  listQueues,
  listSchedules,
  listWorkers,
  summarizeDeadLetters,
} from "../../src/admin.ts";
import { defineJob } from "../../src/jobs/definition/define-job.ts";
import { readFigures } from "../../src/metrics/read-figures.ts";
import { findUnworkedQueues } from "../../src/queues/find-unworked-queues.ts";
import { readRates } from "../../src/stats/read-rates.ts";
import { readStats } from "../../src/stats/read-stats.ts";
import { listDeliveries, listEndpoints } from "../../src/webhooks.ts";
import { testDatabase } from "../support/database.ts";
import { recordedDatabase } from "../support/recorded-database.ts";

const { url, sql } = await testDatabase();
const recorded = recordedDatabase(url);
// Drizzle has its client send times as the texts that they are.
drizzle({ client: sql });
const jitAboveCost = 100_000;

/** Sixty live workers, a hundred queues, a thousand names of jobs, a thousand schedules, and the statistics of a day. */
beforeAll(async () => {
  await sql`insert into soniq_workers (queues, schedules, lease_expires_at)
    select (select jsonb_object_agg('queue ' || (w * 5 + n) % 100, 10) from generate_series(1, 5) n),
      (select jsonb_object_agg('schedule ' || n, 'hash') from generate_series(1, 1000) n), now() + interval '1 day'
    from generate_series(1, 60) w`;
  await sql`insert into soniq_jobs (name, queue, payload, state, worker_id, finished_at, reason)
    select 'name ' || n % 1000, 'queue ' || n % 100, '{}', state, case state when 'active' then (select id from soniq_workers limit 1) end,
      case when state in ('completed', 'dead') then now() end, case state when 'dead' then 'out of attempts: no' end
    from generate_series(1, 40000) n, lateral (select (array['queued', 'active', 'completed', 'dead'])[1 + n % 4]) as s (state)`;
  await sql`insert into soniq_schedules (name, cron, job_name) select 'schedule ' || n, '0 2 * * *', 'name ' || n from generate_series(1, 1000) n`;
  await sql`insert into soniq_stats (minute, queue, name, measure, bucket, count)
    select date_trunc('minute', now()) - n * interval '1 minute', 'queue ' || n % 100, 'name ' || n % 1000, 'completed', 0, 1 from generate_series(0, 1400) n`;
});

const reads: Record<string, (db: Queryable) => Promise<unknown>> = {
  listQueues,
  listWorkers,
  listJobs: (db) => listJobs(db),
  "listJobs of a state": (db) => listJobs(db, { state: "active" }),
  "listJobs of a name": (db) => listJobs(db, { name: "name 1" }),
  getJob: (db) => getJob(db, 1),
  getResult: (db) => getResult(db, defineJob({ name: "name 1", payload: v.any() }), 1),
  listDeadLetters: (db) => listDeadLetters(db),
  countDeadLetters,
  summarizeDeadLetters: (db) => summarizeDeadLetters(db),
  listSchedules,
  listAudit: (db) => listAudit(db),
  listEndpoints,
  listDeliveries: (db) => listDeliveries(db, "33333333-3333-4333-8333-333333333333"),
  readRates,
  "readStats of an hour": (db) => readStats(db, { range: "1h" }),
  readFigures,
  findUnworkedQueues: (db) => findUnworkedQueues(db, []),
};

async function costOf(read: (db: Queryable) => Promise<unknown>): Promise<number> {
  const from = recorded.sent.length;
  await read(recorded.db);
  let cost = 0;
  for (const { statement, parameters } of recorded.sent.slice(from)) {
    const [row] = await sql.unsafe(`explain (format json) ${statement}`, parameters as never[]);
    const plans = row?.["QUERY PLAN"] as { readonly Plan: { readonly "Total Cost": number } }[];
    cost = Math.max(cost, ...plans.map(({ Plan: plan }) => plan["Total Cost"]));
  }
  return cost;
}

test.each([
  { statistics: "of tables that were empty", analyze: false },
  { statistics: "that autovacuum has gathered", analyze: true },
])("no read is so dear that it would be compiled, with statistics $statistics", async ({ analyze }) => {
  if (analyze) await sql`analyze`;
  const costs: Record<string, number> = {};
  for (const [name, read] of Object.entries(reads)) costs[name] = await costOf(read);
  const dear = Object.entries(costs).filter(([, cost]) => cost >= jitAboveCost);
  expect(dear).toEqual([]);
});
