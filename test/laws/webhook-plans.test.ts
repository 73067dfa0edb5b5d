// How many rows the statements of webhooks meet beside a receiver that is dead, and for which a hundred thousand are parked.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Queryable } from "../../src/core/queryable.ts";
import { claim } from "../../src/jobs/claim/claim.ts";
import { queueStart } from "../../src/jobs/claim/claim-positions.ts";
import { admitDelivery } from "../../src/webhooks/breaker.ts";
import { listDeliveries } from "../../src/webhooks/delivery-log.ts";
import { findParkingEndpoints, unparkPage, unparkProbe, isBusy, parkPage } from "../../src/webhooks/parking.ts";
import { sessionOf } from "../support/sessions.ts";
import { testDatabase } from "../support/database.ts";
import { type Observed, observedEngine } from "./observed-engine.ts";
import { noRefusal } from "../support/refusals.ts";

const { db, url, sql } = await testDatabase();
const engine = observedEngine(url);
afterAll(() => engine.close());

const [dead, alive] = ["33333333-3333-4333-8333-333333333333", "44444444-4444-4444-8444-444444444444"];
const page = 500;

beforeAll(async () => {
  // Nobody but the tests decides how old the planner's statistics are.
  await sql`alter table soniq_jobs set (autovacuum_enabled = false)`;
  const deliveries = (to: string, jobs: number, runAt: string) => sql`
    insert into soniq_jobs (name, queue, payload, run_at)
    select 'soniq.webhook', 'webhooks', jsonb_build_object('endpoint', ${to}::text, 'id', n, 'event', 'e'), ${runAt}::text::timestamptz
    from generate_series(1, ${jobs}) n`;
  await deliveries(dead, 100_000, "infinity");
  await deliveries(alive, 50, "now");
  await sql`insert into soniq_webhook_endpoints (id, url, failures, open_until)
    values (${dead}, 'https://a.example', 10, now() + interval '1 hour'), (${alive}, 'https://b.example', 0, null)`;
  await sql`vacuum analyze soniq_jobs, soniq_webhook_endpoints`;
});

const rowsOfJobs = ({ read }: Observed) =>
  Object.entries(read).reduce((sum, [name, rows]) => (name.startsWith("soniq_jobs") ? sum + rows : sum), 0);

test("a claim meets only the webhooks of others", async () => {
  const input = { workerId: await sessionOf(db), claimToken: 1, queue: "webhooks", limit: 50, from: queueStart };
  const observed = await engine.observe((on) => claim(on, { ...input, deadlines: "{}", defaultDeadlineMs: 60_000 }));
  expect(observed.read["soniq_jobs_claim"]).toBe(50);
  expect(observed.blocks["soniq_jobs_claim"]).toBeLessThan(60);
  expect(rowsOfJobs(observed)).toBeLessThan(150);
});

const statements: Record<string, [most: number, (db: Queryable) => Promise<unknown>]> = {
  "asking whether a webhook may be sent": [0, (on) => admitDelivery(on, alive)],
  "asking which endpoints need attention": [0, findParkingEndpoints],
  "asking whether the queue is busy": [50, isBusy],
  "freeing one to try the receiver with": [4, (on) => unparkProbe(on, dead, noRefusal)],
  "looking through a page": [page + 1, (on) => parkPage(on, dead, 0, noRefusal)],
  "freeing a page": [4 * page, (on) => unparkPage(on, dead, 0, noRefusal)],
  "listing a page": [52, (on) => listDeliveries(on, dead)],
};

test.each(Object.keys(statements))("%s meets no more jobs than it must", async (name) => {
  const [most, run] = statements[name] as (typeof statements)[string];
  const observed = await engine.observe(run);
  expect(rowsOfJobs(observed)).toBeLessThanOrEqual(most);
  expect(observed.read).not.toHaveProperty("soniq_jobs");
});
