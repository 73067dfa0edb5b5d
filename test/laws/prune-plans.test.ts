// Which way pruning takes, among a hundred thousand jobs that have finished.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Queryable } from "../../src/core/queryable.ts";
import {
  deleteFinished,
  findPrunable,
  pruneStart,
  type PruneInput,
  type PrunePosition,
} from "../../src/jobs/upkeep/prune.ts";
import { testDatabase } from "../support/database.ts";
import { byPrimaryKey, observedEngine, rowsRead, stepsAmongJobs, waysToJobs } from "./observed-engine.ts";

const { url, sql } = await testDatabase();
const engine = observedEngine(url);
afterAll(() => engine.close());

// Nobody but the tests decides how old the planner's statistics are.
beforeAll(() => sql`alter table soniq_jobs set (autovacuum_enabled = false)`);

/** A time so long ago, as the database writes it. */
const ago = (age: string) => sql<[{ at: string }]>`select (now() - ${age}::interval)::text as at`;

beforeAll(async () => {
  const finished = (state: string, jobs: number, age: string) => sql`
    insert into soniq_jobs (name, payload, state, finished_at)
    select 'finished', '{}', ${state}, now() - ${age}::interval + n * interval '1 microsecond' from generate_series(1, ${jobs}) n`;
  await finished("completed", 100_000, "1 hour");
  await finished("completed", 50, "2 days");
  await finished("dead", 30, "2 days");
  await sql`vacuum analyze soniq_jobs`;
});

type Finished = "completed" | "cancelled" | "dead";
const prunable = async (db: Queryable, state: Finished, age: string, after = pruneStart) =>
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
      findPrunable(db, { state: "completed", before, names, after: pruneStart, limit: 1_000 }),
    );
    expect(waysToJobs(observed)).toEqual(["soniq_jobs_finished"]);
    expect(rowsRead(observed)).toBe(80);
  }
});

test("few among very many that are kept longer are found page by page, and none is walked twice", async () => {
  const before = (await ago("1 minute"))[0].at;
  const found: number[] = [];
  let after: PrunePosition | undefined = pruneStart;
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
