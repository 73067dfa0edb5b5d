// An application in a process of its own, which does all that applications do with jobs, again and again, over its own driver,
// and reports each call to whoever started it. Nothing here catches what a call does not reject with.
import { setTimeout as sleep } from "node:timers/promises";
import { drizzle as overNodePostgres } from "drizzle-orm/node-postgres";
import { drizzle as overPostgresJs } from "drizzle-orm/postgres-js";
import { Pool } from "pg";
import postgres from "postgres";
import { defineJob, enqueue, enqueueMany, migrate, waitFor } from "soniq-drizzle";
import {
  listDeadLetters,
  listJobs,
  listQueues,
  listWorkers,
  pauseQueue,
  purgeDeadLetters,
  retryDeadLetters,
  resumeQueue,
} from "soniq-drizzle/admin";
import { createDashboard } from "soniq-drizzle/dashboard";
import { createMetrics } from "soniq-drizzle/metrics";
import * as v from "valibot";

const { DATABASE_URL: url = "", DRIVER: driver, APPLICATION: application_name = "application" } = process.env;
const pauseMs = Number(process.env["PAUSE_MS"]);
const db = driver === "postgres.js" ? onPostgresJs() : onNodePostgres();

function onPostgresJs() {
  return overPostgresJs({
    client: postgres(url, {
      max: 6,
      connect_timeout: 2,
      fetch_types: false,
      onnotice: () => {},
      connection: { application_name },
    }),
  });
}

function onNodePostgres() {
  const pool = new Pool({ connectionString: url, max: 6, application_name });
  pool.on("error", () => {});
  return overNodePostgres({ client: pool });
}

const payload = v.object({ n: v.number() });
const plain = defineJob({ name: "plain", payload });
const kept = defineJob({ name: "kept", payload, unique: { by: ["n"] } });
const refused = defineJob({ name: "refused", payload, unique: { by: ["n"], onConflict: "error" } });
const replaced = defineJob({ name: "replaced", payload, unique: { by: ["n"], onConflict: "replace" } });
const token = "a-token-that-is-long-enough";
const dashboard = createDashboard({ db, token, write: true });
const metrics = createMetrics({ db });
let next = 0;
const payloads = (length: number) => Array.from({ length }, () => ({ n: next++ }));

/** Fails with the dashboard's answer, as other calls reject. */
async function request(path: string, init: RequestInit = {}): Promise<void> {
  const headers = { host: "localhost", authorization: `Bearer ${token}`, ...init.headers };
  const response = await dashboard(new Request(`http://localhost/api${path}`, { ...init, headers }));
  if (!response.ok) throw new Error(await response.text());
}

const calls: Record<string, () => Promise<unknown>> = {
  "enqueues one": () => enqueue(db, plain, { n: 1 }),
  "enqueues one with a key": () => enqueue(db, kept, { n: next++ }),
  "enqueues 50": () => enqueueMany(db, plain, payloads(50)),
  "enqueues 50 with keys": () => enqueueMany(db, kept, payloads(50)),
  "enqueues 50 that must be new": () => enqueueMany(db, refused, payloads(50)),
  "enqueues 50 that replace": () => enqueueMany(db, replaced, payloads(50)),
  "enqueues 5,100": () => enqueueMany(db, plain, payloads(5_100)),
  "enqueues 5,100 with keys": () => enqueueMany(db, kept, payloads(5_100)),
  "looks at the dashboard": () => request("/workers"),
  "looks at the dashboard's jobs": () => request("/jobs"),
  "pauses a queue on the dashboard": () =>
    request("/queues/reports/pause", {
      method: "POST",
      headers: { "x-soniq": "1", origin: "http://localhost" },
    }),
  "scrapes metrics": () => metrics.handler(),
  "waits for a job": async () => {
    const job = await enqueue(db, plain, { n: 2 });
    await waitFor(db, plain, job, { timeout: "200ms" });
  },
  lists: () => Promise.all([listJobs(db, {}), listDeadLetters(db, {}), listQueues(db), listWorkers(db)]),
  "retries and purges": async () => {
    await retryDeadLetters(db, { name: "plain" });
    await purgeDeadLetters(db, { name: "plain" });
  },
  "pauses and resumes a queue": async () => {
    await pauseQueue(db, "imports");
    await resumeQueue(db, "imports");
  },
  migrates: () => migrate(db),
};

async function goOn(name: string, call: () => Promise<unknown>): Promise<never> {
  for (;;) {
    await call().then(
      () => process.send?.({ name, ok: true }),
      (error: unknown) => process.send?.({ name, ok: false, error: String(error) }),
    );
    await sleep(pauseMs);
  }
}

process.on("disconnect", () => process.exit(0));
for (const [name, call] of Object.entries(calls)) void goOn(name, call);
