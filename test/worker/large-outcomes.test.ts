// However large outcomes are, and however slow the database is: each statement is small enough to be carried out.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob, enqueueMany } from "../../src/index.ts";
import { retryJobs } from "../../src/admin.ts";
import { LogWriter } from "../../src/worker/attempt/log-writer.ts";
import { Settler } from "../../src/worker/settle/settler.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";
import { type RecordedDatabase, recordedDatabase } from "../support/recorded-database.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";

const { db, url, sql } = await testDatabase();
const megabyte = 1024 * 1024;
const maxBytes = 9 * megabyte;

/** So many claimed jobs, as their session has them. */
async function claimed(queue: string, jobs: number) {
  const job = defineJob({ name: queue, queue, payload: v.null() });
  await enqueueMany(db, job, Array<null>(jobs).fill(null));
  const session = await sessionOf(db);
  return { session, jobs: await claimAs(db, session, { queue, limit: jobs }) };
}

const statesOf = (queue: string) => sql`select state, count(*)::int from soniq_jobs where queue = ${queue} group by 1`;

/** The sizes of statements that carry more than a megabyte. */
function largeStatements({ sent }: RecordedDatabase): number[] {
  const sizes = sent.map(({ parameters }) =>
    parameters.reduce<number>((sum, value) => sum + (typeof value === "string" ? Buffer.byteLength(value) : 0), 0),
  );
  return sizes.filter((bytes) => bytes > megabyte);
}

test("results are settled a few megabytes at a time, counted in bytes", async () => {
  const { session, jobs } = await claimed("results", 20);
  const recorded = recordedDatabase(url);
  const settler = new Settler(recorded.db, () => {}, new Set(), false, 1_000);
  const result = JSON.stringify("€".repeat(300_000));
  const settled = jobs.map(({ id, claimToken }) =>
    settler.settle(session, { id, claimToken, outcome: { kind: "completed", result } }),
  );
  expect(new Set(await Promise.all(settled))).toEqual(new Set(["completed"]));
  const sizes = largeStatements(recorded);
  expect(sizes.length).toBeGreaterThan(2);
  expect(Math.max(...sizes)).toBeLessThan(maxBytes);
});

test("so are logs and errors", async () => {
  const { session, jobs } = await claimed("logs", 30);
  const recorded = recordedDatabase(url);
  const settler = new Settler(recorded.db, () => {}, new Set(), false, 1_000);
  const logs = `[${Array.from({ length: 100 }, (_, afterUs) => JSON.stringify({ afterUs, message: "€".repeat(2_000) })).join()}]`;
  const error = { attempt: 1, worker: session, name: "Error", message: "no", stack: "€".repeat(8_000) };
  const settled = jobs.map(({ id, claimToken }) =>
    settler.settle(session, { id, claimToken, outcome: { kind: "retried", delayMs: 3_600_000, error }, logs }),
  );
  expect(new Set(await Promise.all(settled))).toEqual(new Set(["queued"]));
  expect(largeStatements(recorded).length).toBeGreaterThan(1);
  expect(Math.max(...largeStatements(recorded))).toBeLessThan(maxBytes);
});

test("lines that running jobs have logged are written a few megabytes at a time", async () => {
  const { session, jobs } = await claimed("lines", 40);
  const recorded = recordedDatabase(url);
  const writer = new LogWriter(recorded.db, () => {});
  const lines = Array.from({ length: 100 }, (_, afterUs) => JSON.stringify({ afterUs, message: "€".repeat(1_000) }));
  let written = 0;
  for (const { id, claimToken } of jobs)
    writer.schedule({
      isDeferred: false,
      snapshot: () => ({ workerId: session, id, claimToken, lines }),
      confirmWritten: () => void (written += 1),
    });
  await writer.task().run(new AbortController().signal);
  expect(written).toBe(40);
  expect(largeStatements(recorded).length).toBeGreaterThan(1);
  expect(Math.max(...largeStatements(recorded))).toBeLessThan(maxBytes);
});

test("payloads that a retry makes anew are written a few megabytes at a time", async () => {
  const ids = await died(
    sql,
    Array.from({ length: 20 }, () => ({ name: "grow", payload: "small" })),
  );
  const grow = defineJob({ name: "grow", payload: v.string() });
  const recorded = recordedDatabase(url);
  const mapping = { job: grow, payload: () => "€".repeat(300_000) };
  const { retried, refused } = await retryJobs(recorded.db, ids, { mapping });
  expect(refused).toEqual([]);
  expect(retried).toHaveLength(20);
  expect(largeStatements(recorded).length).toBeGreaterThan(1);
  expect(Math.max(...largeStatements(recorded))).toBeLessThan(maxBytes);
});

test("a batch that takes PostgreSQL too long is tried again in smaller ones", async () => {
  const { session, jobs } = await claimed("slow", 8);
  await sql.unsafe(`
    create function linger() returns trigger language plpgsql as $$ begin perform pg_sleep(0.2); return new; end $$;
    create trigger linger before update on soniq_jobs for each row when (new.queue = 'slow' and new.state = 'completed')
      execute function linger()`);
  const client = postgres(url, { max: 1, onnotice: () => {}, connection: { statement_timeout: 1_000 } });
  const settler = new Settler(drizzle({ client }), () => {}, new Set(), false, 1_000);
  const settled = jobs.map(({ id, claimToken }) =>
    settler.settle(session, { id, claimToken, outcome: { kind: "completed", result: null } }),
  );
  await Promise.all(settled);
  expect(await statesOf("slow")).toEqual([{ state: "completed", count: 8 }]);
  await client.end();
});

test("while much waits to be written, a worker is to start nothing that would add to it", async () => {
  const session = await sessionOf(db);
  const settler = new Settler(db, () => {}, new Set(), false, 1_000);
  const result = JSON.stringify("x".repeat(megabyte - 2));
  for (let id = 1; id <= 130; id += 1)
    void settler.settle(session, { id, claimToken: 1, outcome: { kind: "completed", result } });
  expect(settler.isCongested).toBe(true);
  await until(async () => !settler.isCongested);
  settler.abandon();
});
