// What else there is to look at, each as wire.ts says it.
import { beforeEach, expect, test } from "vitest";
import * as v from "valibot";
import type {
  DeliveryListView,
  EndpointView,
  QueueView,
  ScheduleView,
  StatsView,
  WorkerView,
} from "../../src/dashboard/wire.ts";
import { defineJob, defineSchedule, enqueue } from "../../src/index.ts";
import { pauseQueue } from "../../src/admin.ts";
import { openSession } from "../../src/sessions/session.ts";
import { publishEvent, defineEvent, registerEndpoint } from "../../src/webhooks.ts";
import { askedDashboard } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";
import { startReceiver, webhooks } from "../support/receiver.ts";
import { startWith } from "../support/schedules.ts";
import { startWorker } from "../support/worker.ts";

const { db, sql, url } = await testDatabase();
const { get } = askedDashboard({ db });
const mail = defineJob({ name: "mail", payload: v.unknown() });
const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string;

beforeEach(async () => {
  await sql`truncate soniq_jobs, soniq_queues, soniq_schedules, soniq_workers, soniq_stats, soniq_webhook_endpoints`;
});

test("queues: what waits and runs in them, and how fast", async () => {
  await enqueue(db, mail, 1, { queue: "letters" });
  await enqueue(db, mail, 1, { queue: "letters", delay: "1h" });
  await pauseQueue(db, "letters");
  await sql`insert into soniq_stats (minute, queue, name, measure, count) values (date_trunc('minute', now()), 'letters', 'mail', 'completed', 60)`;
  const { body } = await get<QueueView[]>("queues");
  expect(body).toEqual([
    {
      name: "letters",
      pausedAt: isoTime,
      due: 1,
      scheduled: 1,
      parked: 0,
      active: 0,
      latencyMs: expect.any(Number),
      perMinute: expect.any(Number),
    },
  ]);
  expect(body[0]?.perMinute).toBeGreaterThan(10);
});

const sum = (series: readonly (number | null)[]) => series.reduce<number>((total, step) => total + (step ?? 0), 0);

test("statistics: how attempts ended, step by step", async () => {
  await sql`insert into soniq_stats (minute, queue, name, measure, count) values
    (date_trunc('minute', now()), 'a', 'mail', 'completed', 3), (date_trunc('minute', now()), 'b', 'pdf', 'dead', 2)`;
  const { body } = await get<StatsView>("stats?range=15m");
  expect(body.at).toHaveLength(15);
  for (const series of [body.completed, body.dead, body.run.p95, body.wait.p99]) expect(series).toHaveLength(15);
  // Not the last step: a minute may have begun since.
  expect([sum(body.completed), sum(body.dead)]).toEqual([3, 2]);
  expect(body.byName.map(({ name }) => name).toSorted()).toEqual(["mail", "pdf"]);
  expect(sum((await get<StatsView>("stats?range=15m&queue=a")).body.dead)).toBe(0);
  expect((await get<StatsView>("stats")).body.at).toHaveLength(60);
  expect((await get("stats?range=1y")).status).toBe(400);
});

test("schedules: when they tick, and what they enqueue, without its secrets", async () => {
  const payload = { token: "t", to: "ada" };
  await startWith(
    db,
    defineSchedule({ name: "nightly", cron: "0 2 * * *", timeZone: "Europe/Berlin", job: mail, payload }),
    defineSchedule({ name: "often", every: "90s", job: mail, payload: 1 }),
  );
  const { body } = await get<ScheduleView[]>("schedules");
  expect(body).toEqual([
    {
      name: "nightly",
      timing: "0 2 * * *",
      timeZone: "Europe/Berlin",
      jobName: "mail",
      payload: { token: "•••", to: "ada" },
      missed: "once",
      overlap: "skip",
      pausedAt: null,
      orphanedAt: null,
      lastTickAt: null,
      lastJobId: null,
      nextTicks: [isoTime, isoTime, isoTime, isoTime, isoTime],
    },
    expect.objectContaining({ name: "often", timing: "every 90 s" }),
  ]);
});

test("workers: where they are, and what they hold", async () => {
  const about = { host: "h", pid: 7, version: "1.2.3", leaseMs: 60_000 };
  const id = await openSession(db, { ...about, queues: { mail: 5 } });
  await sql`insert into soniq_jobs (name, payload, queue, state, worker_id) values ('a', '{}', 'mail', 'active', ${id})`;
  const { body } = await get<WorkerView[]>("workers");
  expect(body).toEqual([
    {
      id,
      host: "h",
      pid: 7,
      version: "1.2.3",
      queues: [{ name: "mail", active: 1, concurrency: 5 }],
      startedAt: isoTime,
      beatAt: isoTime,
      leaseLeftMs: expect.any(Number),
      endedAt: null,
      state: "live",
    },
  ]);
});

test("an endpoint's address shows no token that stands in it", async () => {
  await sql`insert into soniq_webhook_endpoints (url) values
    ('https://a.example/in?team=1&api_key=k3y&access_token=t0k&x=2'), ('https://user:pass@b.example/')`;
  const urls = (await get<EndpointView[]>("endpoints")).body.map((endpoint) => endpoint.url);
  expect(urls.toSorted()).toEqual([
    "https://a.example/in?team=1&api_key=***&access_token=***&x=2",
    "https://user:***@b.example/",
  ]);
});

test("webhooks: endpoints, and what was delivered to them, without secrets", async () => {
  const receiver = await startReceiver();
  receiver.says = { status: 200, body: "thanks" };
  const { id, secret } = await registerEndpoint(db, webhooks, {
    allTenants: true,
    events: "all",
    url: receiver.url,
    description: "warehouse",
    headers: { "x-key": "its-own" },
  });
  const paid = defineEvent({ name: "order.paid", payload: v.number() });
  const { worker } = await startWorker({ connection: url, jobs: {}, handlers: {}, webhooks, pollInterval: "50ms" });
  await publishEvent(db, paid, 7);
  await worker.drain({ wait: 0 });
  const endpoints = await get<EndpointView[]>("endpoints");
  expect(endpoints.body).toEqual([
    {
      id,
      url: receiver.url,
      description: "warehouse",
      tenant: null,
      events: [],
      state: "working",
      pausedReason: null,
      failures: 0,
      openUntil: null,
      createdAt: isoTime,
    },
  ]);
  expect((await get<EndpointView[]>("endpoints?allTenants=1")).body).toEqual(endpoints.body);
  expect((await get<EndpointView[]>("endpoints?tenant=acme")).body).toEqual([]);
  expect((await get("endpoints?allTenants=yes")).status).toBe(400);
  const said = JSON.stringify(endpoints.body);
  expect(said).not.toContain(secret);
  expect(said).not.toContain("its-own");
  const { body } = await get<DeliveryListView>(`endpoints/${id}/deliveries`);
  expect(body).toMatchObject({
    deliveries: [{ event: "order.paid", state: "completed", answer: { status: 200, excerpt: "thanks" }, failures: [] }],
    next: null,
  });
});
