import { type Column, type SQL, sql } from "drizzle-orm";
import { soniqStats } from "../../schema/stats.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/rows.js";
import { Histogram, quantile } from "./histogram.js";
import { type StatsRange, statsRanges } from "./ranges.js";

/** How attempts ended and how long they took, over a range of time. The arrays are of equal length, one entry per step. */
export interface Stats {
  readonly stepSeconds: number;
  /** When each step begins, in seconds since 1970, by the database's clock. The last one is not over. */
  readonly at: readonly number[];
  readonly completed: readonly number[];
  readonly retried: readonly number[];
  /** With those that died because their workers did. */
  readonly dead: readonly number[];
  readonly cancelled: readonly number[];
  readonly run: Percentiles;
  /** From when jobs were due to their claim. */
  readonly wait: Percentiles;
  /** The busiest first, the first 50. */
  readonly byName: readonly NameStats[];
}

/** Seconds, within a factor of two of the true ones: see {@link quantile}. Null where nothing ran. */
interface Percentiles {
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
}

/** What became of the jobs of one name, over the whole range. */
interface NameStats {
  readonly name: string;
  readonly completed: number;
  /** Attempts that failed, whether or not they are tried again. */
  readonly failed: number;
  /** Of how long attempts took, in seconds. */
  readonly p95: number | null;
}

const maxNames = 50;

/**
 * Reads the statistics that workers gather: each writes them every few seconds, for the minute in which it does.
 *
 * @param range how far to look back; an hour and less in steps of a minute
 * @param queue of its jobs only
 * @param name of jobs of that name only; `other` has those of names that their worker did not know
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function readStats(
  db: Queryable,
  { range, queue, name }: { readonly range: StatsRange; readonly queue?: string; readonly name?: string },
): Promise<Stats> {
  const { seconds, step } = statsRanges[range];
  const steps = seconds / step;
  const stepOf = (time: SQL) => sql`floor(date_part('epoch', ${time}) / ${sql.raw(String(step))})::int`;
  const firstStep = sql`${stepOf(sql`now()`)} - ${sql.raw(String(steps - 1))}`;
  const rows = await fetchRows<Sum>(
    db,
    // By minute first: there are fewer of them than rows, and to tell a minute's step takes as long as to read a row.
    sql`select ${stepOf(sql`minute`)} as step, name, measure, bucket, sum(count) as count
      from (
        select minute, name, measure, bucket, sum(count)::float8 as count
        from ${soniqStats}
        where minute >= to_timestamp((${firstStep}) * ${step}::float8) and ${only(soniqStats.queue, queue)} and ${only(soniqStats.name, name)}
        group by grouping sets ((minute, measure, bucket), (name, measure, bucket))
      ) as sums
      group by 1, 2, 3, 4
      union all select ${firstStep}, null, 'first', 0, 0`,
  ).catch(explainMissingTables);
  const first = rows.find(({ measure }) => measure === "first")?.step as number;
  return {
    stepSeconds: step,
    at: Array.from({ length: steps }, (_, nth) => (first + nth) * step),
    ...perStep(rows, first, steps),
    byName: perName(rows).slice(0, maxNames),
  };
}

function only(column: Column, value: string | undefined): SQL {
  return value === undefined ? sql`true` : sql`${column} = ${value}`;
}

/** What was counted of one measure, in one step or of one name; or where the first step is. */
interface Sum {
  readonly step: number | null;
  readonly name: string | null;
  readonly measure: string;
  readonly bucket: number;
  readonly count: number;
}

/** The counts of a step or name. */
class Counted {
  readonly ended: Record<string, number> = {};
  readonly run = new Histogram();
  readonly wait = new Histogram();

  add({ measure, bucket, count }: Sum): void {
    if (measure === "run" || measure === "wait") this[measure].counts[bucket] = count;
    else this.ended[measure] = count;
  }
}

function perStep(sums: readonly Sum[], first: number, steps: number) {
  const counted = Array.from({ length: steps }, () => new Counted());
  for (const sum of sums) if (sum.step !== null) counted[sum.step - first]?.add(sum);
  const ended = (measure: string) => counted.map((step) => step.ended[measure] ?? 0);
  const percentiles = (of: "run" | "wait"): Percentiles => ({
    p50: counted.map((step) => secondsAt(step[of], 0.5)),
    p95: counted.map((step) => secondsAt(step[of], 0.95)),
    p99: counted.map((step) => secondsAt(step[of], 0.99)),
  });
  return {
    completed: ended("completed"),
    retried: ended("retried"),
    dead: ended("dead"),
    cancelled: ended("cancelled"),
    run: percentiles("run"),
    wait: percentiles("wait"),
  };
}

/** The busiest first. */
function perName(sums: readonly Sum[]): NameStats[] {
  const counted = new Map<string, Counted>();
  for (const sum of sums) {
    if (sum.name === null) continue;
    const name = counted.get(sum.name) ?? new Counted();
    counted.set(sum.name, name);
    name.add(sum);
  }
  const attempts = ({ completed, failed }: NameStats) => completed + failed;
  return [...counted]
    .map(
      ([
        name,
        {
          ended: { completed = 0, retried = 0, dead = 0 },
          run,
        },
      ]) => ({
        name,
        completed,
        failed: retried + dead,
        p95: secondsAt(run, 0.95),
      }),
    )
    .filter((stats) => attempts(stats) > 0)
    .toSorted((a, b) => attempts(b) - attempts(a) || (a.name < b.name ? -1 : 1));
}

function secondsAt({ counts }: Histogram, share: number): number | null {
  const ms = quantile(counts, share);
  return ms === null ? null : ms / 1_000;
}
