// The statistics as a table: what is added to it, folded, pruned and read.
import { sql as fragment } from "drizzle-orm";
import { beforeEach, describe, expect, test } from "vitest";
import type { Queryable } from "../../src/index.ts";
import { countAttempts } from "../../src/stats/count-attempts.ts";
import { type Folding, foldings, foldStats } from "../../src/stats/fold-stats.ts";
import { pruneStats } from "../../src/stats/prune-stats.ts";
import { statsRanges } from "../../src/stats/ranges.ts";
import { readRates } from "../../src/stats/read-rates.ts";
import { readStats } from "../../src/stats/read-stats.ts";
import { recordStats, type StatCount } from "../../src/stats/record-stats.ts";
import { testDatabase } from "../support/database.ts";

const { db, sql } = await testDatabase();
beforeEach(() => sql`truncate soniq_stats`);

const completed: StatCount = { queue: "mail", name: "send", measure: "completed", bucket: 0, count: 1 };

type Counted = (ago: string, count?: Partial<StatCount>) => Promise<void>;

/**
 * Within a transaction, in which now stands still: no minute passes between what is counted and what is read.
 *
 * @param run gets a function that counts as workers would have done so long ago
 */
const meanwhile = (run: (db: Queryable, counted: Counted) => Promise<void>) => () =>
  db.transaction((tx) =>
    run(tx, async (ago, more) => {
      const { queue, name, measure, bucket, count } = { ...completed, ...more };
      await tx.execute(
        fragment`insert into soniq_stats values (date_trunc('minute', now() - ${ago}::interval), ${queue}, ${name}, ${measure}, ${bucket}, ${count})`,
      );
    }),
  );

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
const noGaps = <T>(values: readonly (T | null)[]) => values.filter((value) => value !== null);

/** All of a maintenance step. */
async function untilDone(step: () => Promise<boolean>): Promise<number> {
  let rounds = 0;
  while (await step()) rounds += 1;
  return rounds;
}

describe("counts", () => {
  test("are added to those of the same minute, queue, name, measure and bucket", async () => {
    await recordStats(db, [completed, { ...completed, measure: "run", bucket: 3, count: 5 }]);
    await recordStats(db, [{ ...completed, count: 2 }]);
    const rows =
      await sql`select measure, bucket, sum(count)::int as count, bool_and(minute = date_trunc('minute', minute)) as whole
      from soniq_stats group by 1, 2 order by 1`;
    expect([...rows]).toEqual([
      { measure: "completed", bucket: 0, count: 3, whole: true },
      { measure: "run", bucket: 3, count: 5, whole: true },
    ]);
  });

  test("of many workers at the same rows, in any order, are all added and never wait in a circle", async () => {
    const counts = Array.from({ length: 200 }, (_, n) => ({ ...completed, name: `job ${n}` }));
    const writes = Array.from({ length: 20 }, (_, i) => recordStats(db, i % 2 ? counts : counts.toReversed()));
    await Promise.all(writes);
    const [row] = await sql<[{ count: number }]>`select sum(count)::int as count from soniq_stats`;
    expect(row.count).toBe(4_000);
  });

  test("have names of any text", async () => {
    await recordStats(db, [{ ...completed, queue: 'schlange\'s \\ "1"', name: "größer; --" }]);
    expect((await readStats(db, { range: "15m" })).byName).toMatchObject([{ name: "größer; --", completed: 1 }]);
  });
});

describe("a range", () => {
  test.each(Object.entries(statsRanges))(
    "of %s has a step for all of it, to this one",
    async (range, { seconds, step }) => {
      const [{ now }] = await sql<[{ now: number }]>`select extract(epoch from now())::float8 as now`;
      const { at, stepSeconds, ...series } = await readStats(db, { range: range as keyof typeof statsRanges });
      expect(stepSeconds).toBe(step);
      expect(at).toHaveLength(seconds / step);
      expect(at.every((start, i) => start % step === 0 && (i === 0 || start - (at[i - 1] as number) === step))).toBe(
        true,
      );
      expect(at.at(-1)).toBeLessThanOrEqual(now + 1);
      expect((at.at(-1) as number) + step).toBeGreaterThan(now);
      const { completed: none, run, wait } = series;
      for (const values of [none, run.p50, run.p95, run.p99, wait.p99]) expect(values).toHaveLength(at.length);
      expect([sum(none), noGaps(run.p50), series.byName]).toEqual([0, [], []]);
    },
  );

  test(
    "has each count in its step, and none that is older",
    meanwhile(async (tx, counted) => {
      await counted("0 minutes", { count: 2 });
      await counted("7 minutes", { count: 3 });
      await counted("7 minutes", { count: 4, queue: "other queue" });
      await counted("61 minutes", { count: 100 });
      const { at, completed: perStep } = await readStats(tx, { range: "1h" });
      expect(perStep.at(-1)).toBe(2);
      expect(perStep.at(-8)).toBe(7);
      expect(sum(perStep)).toBe(9);
      expect(perStep).toHaveLength(at.length);
    }),
  );

  test(
    "tells how attempts ended",
    meanwhile(async (tx, counted) => {
      for (const [i, measure] of ["completed", "retried", "dead", "cancelled", "snoozed"].entries())
        await counted("2 minutes", { measure, count: i + 1 });
      const { completed: done, retried, dead, cancelled } = await readStats(tx, { range: "6h" });
      expect([done, retried, dead, cancelled].map(sum)).toEqual([1, 2, 3, 4]);
    }),
  );

  test(
    "tells how long attempts took and waited, in seconds, by step and by name",
    meanwhile(async (tx, counted) => {
      await counted("3 minutes", { measure: "run", bucket: 10, count: 90 });
      await counted("3 minutes", { measure: "run", bucket: 12, count: 10 });
      await counted("3 minutes", { measure: "wait", bucket: 0, count: 4 });
      await counted("3 minutes", { count: 100 });
      const { run, wait, byName } = await readStats(tx, { range: "15m" });
      // 90 of 100 within 512 to 1024 ms, 10 from 2048 to 4096 ms: the 95th is halfway through the latter.
      expect(noGaps(run.p50)).toEqual([expect.closeTo(0.512 * (1 + 50 / 90), 6)]);
      expect(noGaps(run.p95)).toEqual([expect.closeTo(3.072, 6)]);
      expect(run.p95.findIndex((value) => value !== null)).toBe(11);
      expect(noGaps(wait.p50)).toEqual([0.0005]);
      expect(byName).toEqual([{ name: "send", completed: 100, failed: 0, p95: expect.closeTo(3.072, 6) }]);
    }),
  );

  test(
    "can be of one queue, or of one name",
    meanwhile(async (tx, counted) => {
      await counted("1 minute");
      await counted("1 minute", { queue: "billing", count: 10 });
      await counted("1 minute", { queue: "billing", name: "charge", count: 100 });
      expect(sum((await readStats(tx, { range: "1h" })).completed)).toBe(111);
      expect(sum((await readStats(tx, { range: "1h", queue: "billing" })).completed)).toBe(110);
      expect(sum((await readStats(tx, { range: "1h", name: "send" })).completed)).toBe(11);
      expect(sum((await readStats(tx, { range: "1h", queue: "mail", name: "charge" })).completed)).toBe(0);
    }),
  );

  test(
    "has the busiest fifty names, failures included",
    meanwhile(async (tx, counted) => {
      for (let n = 1; n <= 52; n += 1) await counted("1 minute", { name: `job ${n}`, count: n });
      await counted("1 minute", { name: "failing", measure: "retried", count: 60 });
      await counted("1 minute", { name: "failing", measure: "dead", count: 40 });
      const { byName } = await readStats(tx, { range: "24h" });
      expect(byName).toHaveLength(50);
      expect(byName[0]).toEqual({ name: "failing", completed: 0, failed: 100, p95: null });
      expect(byName.slice(1).map(({ completed: done }) => done)).toEqual(Array.from({ length: 49 }, (_, i) => 52 - i));
    }),
  );
});

describe("what only longer ranges show", () => {
  test(
    "is folded into their steps, and reads the same there",
    meanwhile(async (tx) => {
      await tx.execute(fragment`insert into soniq_stats (minute, queue, name, measure, bucket, count)
        select date_trunc('minute', now()) - n * interval '1 minute', 'mail', 'send', measure, bucket, n % 7 + 1
        from generate_series(0, 7 * 1440) n, (values ('completed', 0), ('run', 5), ('run', 6)) as each (measure, bucket)`);
      const ranges = ["15m", "1h", "6h", "24h", "7d"] as const;
      const readAll = async () => {
        const all = [];
        for (const range of ranges) all.push(await readStats(tx, { range }));
        return all;
      };
      const before = await readAll();
      for (const folding of foldings) expect(await untilDone(() => foldStats(tx, folding))).toBeGreaterThan(50);
      expect(await readAll()).toEqual(before);
      const minutes = await tx.execute(fragment`select distinct minute from soniq_stats`);
      // An hour of minutes, five hours of 5, eighteen of 15, six days of 120, and what is not a whole step yet.
      expect([...(minutes as Iterable<unknown>)].length).toBeLessThan(290);
    }),
  );

  test("is folded once, by whoever comes first", async () => {
    await sql`insert into soniq_stats (minute, queue, name, measure, count)
      select date_trunc('day', now(), 'UTC') - n * interval '1 minute', 'mail', 'send', 'completed', 1 from generate_series(2880, 5000) n`;
    await Promise.all([1, 2, 3, 4].map(() => untilDone(() => foldStats(db, foldings.at(-1) as Folding))));
    const [{ sum: all, rows }] = await sql<[{ sum: number; rows: number }]>`
      select sum(count)::int as sum, count(*)::int as rows from soniq_stats`;
    expect(all).toBe(2_121);
    expect(rows).toBe(19);
  });
});

test("what is older than eight days is pruned, and nothing else", async () => {
  for (const ago of ["7 days 23 hours", "8 days 1 minute", "9 days", "9 days 1 minute", "30 days"])
    await sql`insert into soniq_stats (minute, queue, name, measure) values (now() - ${ago}::interval, 'q', 'n', 'dead')`;
  expect(await untilDone(() => pruneStats(db))).toBe(3);
  expect(await sql`select from soniq_stats`).toHaveLength(1);
});

test(
  "a queue's rate is what it completed per minute, over the last five",
  meanwhile(async (tx, counted) => {
    await counted("1 minute", { count: 50 });
    await counted("2 minutes", { count: 50 });
    await counted("2 minutes", { count: 50, measure: "retried" });
    await counted("10 minutes", { count: 1_000 });
    await counted("1 minute", { queue: "billing", count: 5 });
    const [billing, mail] = await readRates(tx);
    expect([billing?.queue, mail?.queue]).toEqual(["billing", "mail"]);
    // Over the four minutes before this one, and what has passed of it.
    expect(mail?.perMinute).toBeGreaterThanOrEqual(100 / 5);
    expect(mail?.perMinute).toBeLessThanOrEqual(100 / 4);
    expect(billing?.perMinute).toBeCloseTo((mail?.perMinute as number) / 20, 1);
  }),
);

test(
  "attempts that ended are counted for this minute and the one before",
  meanwhile(async (tx, counted) => {
    await counted("0 minutes", { count: 1 });
    await counted("0 minutes", { count: 2, measure: "dead" });
    await counted("0 minutes", { count: 50, measure: "run" });
    for (const measure of ["fenced", "rescued", "unknown", "parked", "released"])
      await counted("0 minutes", { count: 50, measure });
    await counted("1 minute", { count: 4 });
    await counted("3 minutes", { count: 100 });
    const minutes = await countAttempts(tx);
    expect(sum(minutes.map(({ attempts }) => attempts))).toBe(7);
    expect(minutes.every(({ minute }) => minute % 60 === 0)).toBe(true);
  }),
);
