// What Prometheus is served, of a worker and of its database.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { Registry } from "prom-client";
import { afterAll, describe, expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany, type Worker } from "../../src/index.ts";
import { pauseQueue } from "../../src/admin.ts";
import { createMetrics } from "../../src/metrics.ts";
import { cacheFigures } from "../../src/metrics/figures-cache.ts";
import { buildMetrics } from "../../src/metrics/create-metrics.ts";
import { type Figures, readFigures } from "../../src/metrics/read-figures.ts";
import { bounds } from "../../src/stats/histogram.ts";
import type { Activity, AttemptCounts } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { type Line, scrape } from "../support/scrape.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

const valueOf = (lines: readonly Line[], name: string, labels: Record<string, string> = {}) =>
  lines.find((line) => line.name === name && JSON.stringify(line.labels) === JSON.stringify(labels))?.value;

/** A worker that has done this. */
function workerThatHas(activity: Partial<Activity>): Worker {
  const none: Activity = {
    slots: 0,
    running: 0,
    attempts: [],
    claims: {},
    settles: { counts: [], sum: 0 },
    sessionsLost: 0,
    relistens: 0,
  };
  const health = { state: "working", live: true, ready: true, reasons: [] } as const;
  return { activity: () => ({ ...none, ...activity }), health: () => health } as unknown as Worker;
}

const buckets = (...counts: number[]) => [...counts, ...bounds.map(() => 0)].slice(0, bounds.length + 1);
const nothing = { counts: buckets(), sum: 0 };

function attemptsOf(queue: string, name: string, completed: number): AttemptCounts {
  const ended = { completed, retried: 0 } as AttemptCounts["ended"];
  return { queue, name, ended, run: { counts: buckets(completed), sum: completed }, wait: nothing };
}

describe("of a worker", () => {
  test("attempts are counted by queue, name and outcome, with how long they took and waited", async () => {
    const job = defineJob({
      name: "mail",
      queue: "mails",
      payload: v.number(),
      maxAttempts: 1,
      run: (n) => {
        if (n === 3) throw new Error("no");
      },
    });
    await enqueueMany(db, job, [1, 2, 3]);
    const { worker, event } = await startWorker({ connection: url, jobs: { job }, handlers: {} });
    const metrics = createMetrics({ worker });
    await event("dead");
    await worker.drain({ wait: 0 });
    const lines = await scrape(metrics);
    const labels = { queue: "mails", name: "mail" };
    expect(valueOf(lines, "soniq_attempts_total", { ...labels, outcome: "completed" })).toBe(2);
    expect(valueOf(lines, "soniq_attempts_total", { ...labels, outcome: "dead" })).toBe(1);
    for (const what of ["run", "wait"]) {
      expect(valueOf(lines, `soniq_${what}_seconds_count`, labels)).toBe(3);
      expect(valueOf(lines, `soniq_${what}_seconds_bucket`, { ...labels, le: "+Inf" })).toBe(3);
      expect(valueOf(lines, `soniq_${what}_seconds_sum`, labels)).toBeLessThan(60);
    }
    expect(valueOf(lines, "soniq_settle_jobs_sum")).toBe(3);
    expect(valueOf(lines, "soniq_claim_jobs_sum", { queue: "mails" })).toBe(3);
    expect(valueOf(lines, "soniq_slots")).toBe(20);
    expect(valueOf(lines, "soniq_ready")).toBe(0);
    expect(lines.some(({ name }) => name === "soniq_up")).toBe(false);
  });

  test("slots in use, readiness and reconnects are told as they are", async () => {
    const finish = gate();
    const started = gate();
    const job = defineJob({
      name: "held",
      payload: v.null(),
      run: () => {
        started.open();
        return finish.opened;
      },
    });
    await enqueue(db, job, null);
    const { worker } = await startWorker({ connection: url, jobs: { job }, handlers: {} });
    await started.opened;
    const lines = await scrape(createMetrics({ worker }));
    finish.open();
    expect(valueOf(lines, "soniq_slots_used")).toBe(1);
    expect(valueOf(lines, "soniq_ready")).toBe(1);
    expect(valueOf(lines, "soniq_degraded")).toBe(0);
    expect(valueOf(lines, "soniq_listener_reconnects_total")).toBe(0);
    expect(valueOf(lines, "soniq_sessions_lost_total")).toBe(0);
  });

  test("a histogram's buckets have what is in those below, in seconds", async () => {
    const run = { counts: buckets(1, 2, 0, 4), sum: 1_500 };
    const attempts = [{ ...attemptsOf("q", "n", 7), run }];
    const settles = { counts: buckets(0, 5), sum: 10 };
    const lines = await scrape(createMetrics({ worker: workerThatHas({ attempts, settles }) }));
    const ofRun = lines.filter(({ name }) => name === "soniq_run_seconds_bucket");
    expect(ofRun.slice(0, 5).map(({ labels, value }) => [labels["le"], value])).toEqual([
      ["0.001", 1],
      ["0.002", 3],
      ["0.004", 3],
      ["0.008", 7],
      ["0.016", 7],
    ]);
    expect(ofRun.at(-1)).toMatchObject({ labels: { le: "+Inf" }, value: 7 });
    expect(valueOf(lines, "soniq_run_seconds_sum", { queue: "q", name: "n" })).toBe(1.5);
    const ofSettles = lines.filter(({ name }) => name === "soniq_settle_jobs_bucket").map(({ labels }) => labels["le"]);
    expect(ofSettles).toEqual(["1", "2", "4", "8", "16", "32", "64", "128", "256", "512", "1024", "+Inf"]);
  });

  test("what labels hold can break no line", async () => {
    const attempts = [attemptsOf('a "queue"\\', "a\nname", 1)];
    const lines = await scrape(createMetrics({ worker: workerThatHas({ attempts }) }));
    const labels = { queue: 'a "queue"\\', name: "a\\u000aname", outcome: "completed" };
    expect(valueOf(lines, "soniq_attempts_total", labels)).toBe(1);
  });

  test("what labels hold is obeyed by no terminal, and names that look alike share a line", async () => {
    const ended = { completed: 1, retried: 0, dead: 0, cancelled: 0 };
    const names = ["a\u001b[2J", "a\\u001b[2J", "b\u202e"];
    const attempts = names.map(
      (name) => ({ queue: "q", name, ended, run: nothing, wait: nothing }) as unknown as AttemptCounts,
    );
    const lines = await scrape(createMetrics({ worker: workerThatHas({ attempts }) }));
    const completed = lines.filter(
      ({ name, labels }) => name === "soniq_attempts_total" && labels["outcome"] === "completed",
    );
    expect(completed.map(({ labels, value }) => [labels["name"], value])).toEqual([
      ["a\\u001b[2J", 2],
      ["b\\u202e", 1],
    ]);
  });

  test("no more than two hundred names are told, always the same ones, and the others together", async () => {
    const attempts = Array.from({ length: 250 }, (_, i) => attemptsOf("q", `n${i}`, 1));
    let activity: Partial<Activity> = { attempts: attempts.slice(50) };
    const worker = { ...workerThatHas({}), activity: () => workerThatHas(activity).activity() } as Worker;
    const metrics = createMetrics({ worker });
    expect(valueOf(await scrape(metrics), "soniq_metrics_dropped_labels_total")).toBe(0);
    activity = { attempts };
    const lines = await scrape(metrics);
    const others = { queue: "other", name: "other" };
    expect(valueOf(lines, "soniq_attempts_total", { ...others, outcome: "completed" })).toBe(50);
    expect(valueOf(lines, "soniq_attempts_total", { queue: "q", name: "n249", outcome: "completed" })).toBe(1);
    expect(valueOf(lines, "soniq_run_seconds_count", others)).toBe(50);
    expect(valueOf(lines, "soniq_run_seconds_bucket", { ...others, le: "0.001" })).toBe(50);
    for (const name of ["soniq_attempts_total", "soniq_run_seconds_count"]) {
      const sets = new Set(lines.filter((line) => line.name === name).map(({ labels }) => labels["name"]));
      expect(sets.size).toBe(201);
    }
    expect(valueOf(await scrape(metrics), "soniq_metrics_dropped_labels_total")).toBeGreaterThan(0);
  });
});

describe("of the database", () => {
  test("queues, workers, connections and what keeps rows from being removed are told", async () => {
    await sql`insert into soniq_jobs (name, queue, payload, run_at) values
      ('a', 'due', '{}', now() - interval '1 minute'), ('a', 'due', '{}', now() + interval '1 hour'), ('a', 'due', '{}', 'infinity')`;
    await pauseQueue(db, "due");
    await sql`insert into soniq_workers (lease_expires_at) values (now() + interval '1 hour'), (now() - interval '1 hour')`;
    const lines = await scrape(createMetrics({ db }));
    const labels = { queue: "due" };
    expect(valueOf(lines, "soniq_up")).toBe(1);
    expect(valueOf(lines, "soniq_queue_due", labels)).toBe(1);
    expect(valueOf(lines, "soniq_queue_scheduled", labels)).toBe(1);
    expect(valueOf(lines, "soniq_queue_parked", labels)).toBe(1);
    expect(valueOf(lines, "soniq_queue_active", labels)).toBe(0);
    expect(valueOf(lines, "soniq_queue_paused", labels)).toBe(1);
    expect(valueOf(lines, "soniq_queue_oldest_due_seconds", labels)).toBeGreaterThanOrEqual(60);
    expect(valueOf(lines, "soniq_workers")).toBe(1);
    expect(valueOf(lines, "soniq_jobs_dead_rows")).toBeGreaterThanOrEqual(0);
    expect(lines.some(({ name }) => name === "soniq_slots")).toBe(false);
  });

  test("a queue's name is a label's value, whatever is in it", async () => {
    const queue = 'a"} 1\nsoniq_up{x="\\';
    await sql`insert into soniq_jobs (name, queue, payload) values ('a', ${queue}, '{}')`;
    const lines = await scrape(createMetrics({ db }));
    await sql`delete from soniq_jobs where queue = ${queue}`;
    expect(valueOf(lines, "soniq_queue_due", { queue: queue.replace("\n", "\\u000a") })).toBe(1);
    expect(lines.filter(({ name }) => name === "soniq_up")).toEqual([{ name: "soniq_up", labels: {}, value: 1 }]);
  });

  test("a snapshot that is held open shows by its age", async () => {
    const reader = await sql.reserve();
    await reader`begin isolation level repeatable read`;
    await reader`select 1`;
    for (let n = 0; n < 20; n += 1) await sql`select pg_current_xact_id()`;
    const { snapshotAge } = await readFigures(db);
    await reader`rollback`;
    reader.release();
    expect(snapshotAge).toBeGreaterThanOrEqual(20);
  });

  test("the connections of workers are counted", async () => {
    const before = await readFigures(db);
    await startWorker({ connection: url, jobs: {}, handlers: {} });
    expect((await readFigures(db)).connections).toBeGreaterThan(before.connections);
  });

  test("of more queues than two hundred, the others are one: added up, or the worst of them", async () => {
    const queues = Array.from({ length: 203 }, (_, i) => ({
      name: `q${i}`,
      pausedAt: i === 201 ? new Date() : null,
      due: 1,
      scheduled: 0,
      parked: 0,
      active: 0,
      latencyMs: i * 1_000,
    }));
    const figures: Figures = { queues, workers: 1, connections: 1, snapshotAge: 0, deadRows: 0 };
    const lines = await scrape(buildMetrics(undefined, async () => figures));
    const other = { queue: "other" };
    expect(valueOf(lines, "soniq_queue_due", other)).toBe(3);
    expect(valueOf(lines, "soniq_queue_oldest_due_seconds", other)).toBe(202);
    expect(valueOf(lines, "soniq_queue_paused", other)).toBe(1);
    expect(lines.filter(({ name }) => name === "soniq_queue_due")).toHaveLength(201);
  });

  test("while it does not answer, its gauges are missing, and the worker's numbers are there", async () => {
    const away = new URL(url);
    away.port = "1";
    const client = postgres(away.href, { max: 1, connect_timeout: 2 });
    afterAll(() => client.end());
    const worker = workerThatHas({ attempts: [attemptsOf("q", "n", 5)] });
    const lines = await scrape(createMetrics({ worker, db: drizzle({ client }) }));
    expect(valueOf(lines, "soniq_up")).toBe(0);
    expect(valueOf(lines, "soniq_attempts_total", { queue: "q", name: "n", outcome: "completed" })).toBe(5);
    expect(lines.filter(({ name }) => /^soniq_(queue|workers|connections|oldest|jobs)/.test(name))).toEqual([]);
  });
});

test("the database is asked once, however many scrape", async () => {
  let asked = 0;
  const answer = gate<Figures>();
  const figures = cacheFigures(() => {
    asked += 1;
    return answer.opened;
  });
  const all = [figures(), figures(), figures()];
  answer.open({ queues: [], workers: 3, connections: 1, snapshotAge: 0, deadRows: 0 });
  expect((await Promise.all(all)).map((known) => known?.workers)).toEqual([3, 3, 3]);
  await figures();
  expect(asked).toBe(1);
});

test("a database that says nothing at all is not waited for, nor asked again", async () => {
  let asked = 0;
  const figures = cacheFigures(() => {
    asked += 1;
    return new Promise(() => {});
  });
  expect(await Promise.all([figures(), figures()])).toEqual([undefined, undefined]);
  // By the third time, an answer would be too old to be told again.
  expect(await figures()).toBeUndefined();
  expect(await figures()).toBeUndefined();
  expect(asked).toBe(1);
});

test("the registry is one's own, and merges with another", async () => {
  const one = createMetrics({ worker: workerThatHas({ slots: 3 }) });
  const two = createMetrics({ worker: workerThatHas({ slots: 4 }) });
  one.registry.setDefaultLabels({ worker: "one" });
  const own = new Registry();
  expect(await Registry.merge([own, two.registry]).metrics()).toContain("soniq_slots 4");
  expect(await one.registry.metrics()).toContain('soniq_slots{worker="one"} 3');
});

test("the answer to a scrape is Prometheus' own format, kept by nobody", async () => {
  const response = await createMetrics({ worker: workerThatHas({}) }).handler();
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-store");
});
