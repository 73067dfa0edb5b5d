// The same over each driver that an application may have.
import { drizzle as overNodePostgres } from "drizzle-orm/node-postgres";
import { Pool } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JobListView, QueueView } from "../../src/dashboard/wire.ts";
import { askedDashboard } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";
import { testPglite } from "../support/pglite.ts";

const { db, url, sql } = await testDatabase();
const pool = new Pool({ connectionString: url, max: 2 });
afterAll(() => pool.end());

beforeAll(async () => {
  await died(sql, [{ name: "mail", tags: ["a"], payload: { n: 1 } }]);
  await sql`insert into soniq_jobs (name, payload, queue) values ('mail', '{"n": 1}', 'letters')`;
  await sql`insert into soniq_workers (host, queues, lease_expires_at, ended_at) values ('h', '{"letters": 2}', now(), now())`;
  await sql`insert into soniq_schedules (name, cron, job_name, payload, paused_at) values ('nightly', '0 2 * * *', 'mail', '"text"', now())`;
  await sql`insert into soniq_webhook_endpoints (url) values ('https://example.com')`;
  await sql`insert into soniq_stats (minute, queue, name, measure, bucket, count) values
    (date_trunc('minute', now()), 'letters', 'mail', 'completed', 0, 4), (date_trunc('minute', now()), 'letters', 'mail', 'run', 7, 4)`;
});

test("what there is to see is the same with node-postgres as with postgres.js", async () => {
  const [ours, theirs] = [askedDashboard({ db }), askedDashboard({ db: overNodePostgres({ client: pool }) })];
  await ours.post("queues/letters/pause");
  const [{ id } = { id: 0 }] = (await ours.get<JobListView>("jobs")).body.jobs;
  const paths = ["jobs", "jobs?field=n&value=1", `jobs/${id}`, "dead-letters", "dead-letters/groups", "schedules"];
  for (const path of [...paths, "endpoints", "audit", "stats?range=15m", "session"]) {
    const [one, other] = [await ours.get(path), await theirs.get(path)];
    expect([path, other.status, other.body]).toEqual([path, 200, one.body]);
  }
  // These tell of the moment.
  for (const path of ["queues", "workers"]) expect((await theirs.get(path)).body).toHaveLength(1);
  expect((await theirs.post("queues/letters/resume")).body).toEqual({ done: "resumed" });
});

test("it is one on PGlite, too", async () => {
  const { db: own } = await testPglite();
  const { get, post } = askedDashboard({ db: own });
  expect((await post("queues/letters/pause")).status).toBe(200);
  expect((await get<QueueView[]>("queues")).body).toMatchObject([{ name: "letters", due: 0 }]);
  for (const path of ["jobs", "dead-letters", "schedules", "workers", "endpoints", "audit", "stats"])
    expect([path, (await get(path)).status]).toEqual([path, 200]);
});
