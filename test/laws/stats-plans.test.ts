// Which way the statements of the statistics take: by time, through the primary key.
import { afterAll, beforeAll, expect, test } from "vitest";
import { countAttempts } from "../../src/stats/count-attempts.ts";
import { foldings, foldStats } from "../../src/stats/fold-stats.ts";
import { pruneStats } from "../../src/stats/prune-stats.ts";
import { readRates } from "../../src/stats/read-rates.ts";
import { readStats } from "../../src/stats/read-stats.ts";
import { recordStats } from "../../src/stats/record-stats.ts";
import { testDatabase } from "../support/database.ts";
import { type Observed, observedEngine } from "./observed-engine.ts";

const { url, sql } = await testDatabase();
const engine = observedEngine(url);
afterAll(() => engine.close());

/** Ten series, each in every minute of eight days and an hour. */
beforeAll(async () => {
  await sql`alter table soniq_stats set (autovacuum_enabled = false)`;
  await sql`insert into soniq_stats (minute, queue, name, measure, count)
    select date_trunc('minute', now()) - m * interval '1 minute', 'default', 'job ' || n, 'completed', 1
    from generate_series(0, 8 * 1440 + 60) m, generate_series(1, 10) n order by 1, 3`;
  await sql`vacuum analyze soniq_stats`;
});

const rowsRead = ({ read }: Observed) => Object.values(read).reduce((sum, rows) => sum + rows, 0);
const steps = (observed: Observed) => new Set(observed.steps.filter((step) => /Scan.* on soniq_stats/.test(step)));
const onlyByPrimaryKey = (observed: Observed) =>
  expect(
    [...steps(observed)].filter((step) => !/^Index (Only )?Scan on soniq_stats using soniq_stats_pkey$/.test(step)),
  ).toEqual([]);

test("adding to the counts meets the rows that are there, and no others", async () => {
  const counts = Array.from({ length: 100 }, (_, n) => ({
    queue: "default",
    name: `job ${n}`,
    measure: "completed",
    bucket: 0,
    count: 1,
  }));
  const observed = await engine.observe((db) => recordStats(db, counts));
  expect(rowsRead(observed)).toBeLessThan(30);
  expect(observed.blocks["soniq_stats_pkey"]).toBeLessThan(1_000);
});

test("an hour is read without the days before", async () => {
  const observed = await engine.observe((db) => readStats(db, { range: "1h" }));
  onlyByPrimaryKey(observed);
  expect(rowsRead(observed)).toBeLessThan(1_300);
});

test("rates and attempts are read from a few minutes", async () => {
  for (const read of [readRates, countAttempts]) {
    const observed = await engine.observe(read);
    onlyByPrimaryKey(observed);
    expect(rowsRead(observed)).toBeLessThan(120);
  }
});

test("folding a step meets its minutes, and looks at one of each of the others", async () => {
  for (const folding of foldings) {
    const observed = await engine.observe((db) => foldStats(db, folding));
    onlyByPrimaryKey(observed);
    // Each is met as it is found, deleted, and by its new sum.
    expect(rowsRead(observed)).toBeLessThan(10 * (folding.stepSeconds / 60) * 3);
  }
});

test("pruning meets five minutes of what is past its retention", async () => {
  const observed = await engine.observe(pruneStats);
  onlyByPrimaryKey(observed);
  expect(rowsRead(observed)).toBeLessThan(150);
});
