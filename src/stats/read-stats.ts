import { type Column, type SQL, sql } from "drizzle-orm";
import { soniqStats } from "../../schema/stats.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/fetch-rows.js";
import { Histogram, computeQuantile } from "./histogram.js";
import { type StatsRange, statsRanges } from "./ranges.js";

/** How attempts ended and how long they took, over a range of time. All arrays have one entry per step. */
export interface Stats {
  readonly stepSeconds: number;
  /** The start of each step, in seconds since 1970, by the database's clock. The last step is not over yet. */
  readonly at: readonly number[];
  readonly completed: readonly number[];
  readonly retried: readonly number[];
  /** Includes jobs that died because their workers crashed. */
  readonly dead: readonly number[];
  readonly cancelled: readonly number[];
  readonly run: Percentiles;
  /** The time from when jobs were due to their claim. */
  readonly wait: Percentiles;
  /** The 50 busiest names, the busiest first. */
  readonly byName: readonly NameStats[];
}

/** In seconds, within a factor of two of the true values: see {@link computeQuantile}. Null for a step in which nothing ran. */
interface Percentiles {
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
}

/** The attempts of one job name, over the whole range. */
interface NameStats {
  readonly name: string;
  readonly completed: number;
  /** Failed attempts, whether or not their job is retried. */
  readonly failed: number;
  /** The 95th percentile of the attempts' durations, in seconds. */
  readonly p95: number | null;
}

const maxNames = 50;

/**
 * Reads the statistics that workers record. Each worker adds its counts every few seconds, to the minute of that write.
 *
 * @param range the range to read; ranges up to an hour have steps of one minute
 * @param queue restricts the statistics to one queue
 * @param name restricts the statistics to one job name; `other` has the jobs whose names their worker did not know
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function readStats(
  db: Queryable,
  { range, queue, name }: { readonly range: StatsRange; readonly queue?: string; readonly name?: string },
): Promise<Stats> {
  const { seconds, step } = statsRanges[range];
  const stepCount = seconds / step;
  const stepOf = (time: SQL) => sql`floor(date_part('epoch', ${time}) / ${sql.raw(String(step))})::int`;
  const firstStep = sql`${stepOf(sql`now()`)} - ${sql.raw(String(stepCount - 1))}`;
  const rows = await fetchRows<Sum>(
    db,
    // Groups by minute first: computing a step costs as much as reading a row, and there are fewer minutes than rows.
    sql`select ${stepOf(sql`minute`)} as step, name, measure, bucket, sum(count) as count
      from (
        select minute, name, measure, bucket, sum(count)::float8 as count
        from ${soniqStats}
        where minute >= to_timestamp((${firstStep}) * ${step}::float8) and ${matchColumn(soniqStats.queue, queue)} and ${matchColumn(soniqStats.name, name)}
        group by grouping sets ((minute, measure, bucket), (name, measure, bucket))
      ) as sums
      group by 1, 2, 3, 4
      union all select ${firstStep}, null, 'first', 0, 0`,
  ).catch(explainMissingTables);
  const first = rows.find(({ measure }) => measure === "first")?.step as number;
  return {
    stepSeconds: step,
    at: Array.from({ length: stepCount }, (_, i) => (first + i) * step),
    ...toStepStats(rows, first, stepCount),
    byName: toNameStats(rows).slice(0, maxNames),
  };
}

function matchColumn(column: Column, value: string | undefined): SQL {
  return value === undefined ? sql`true` : sql`${column} = ${value}`;
}

/** The count of one measure, in one step or of one job name. The measure `first` holds the first step instead. */
interface Sum {
  readonly step: number | null;
  readonly name: string | null;
  readonly measure: string;
  readonly bucket: number;
  readonly count: number;
}

/** The counts of all measures, of one step or one job name. */
class MeasureCounts {
  readonly ended: Record<string, number> = {};
  readonly run = new Histogram();
  readonly wait = new Histogram();

  add({ measure, bucket, count }: Sum): void {
    if (measure === "run" || measure === "wait") this[measure].counts[bucket] = count;
    else this.ended[measure] = count;
  }
}

function toStepStats(sums: readonly Sum[], first: number, stepCount: number) {
  const steps = Array.from({ length: stepCount }, () => new MeasureCounts());
  for (const sum of sums) if (sum.step !== null) steps[sum.step - first]?.add(sum);
  const countEnds = (measure: string) => steps.map((step) => step.ended[measure] ?? 0);
  const computePercentiles = (measure: "run" | "wait"): Percentiles => ({
    p50: steps.map((step) => computeQuantileSeconds(step[measure], 0.5)),
    p95: steps.map((step) => computeQuantileSeconds(step[measure], 0.95)),
    p99: steps.map((step) => computeQuantileSeconds(step[measure], 0.99)),
  });
  return {
    completed: countEnds("completed"),
    retried: countEnds("retried"),
    dead: countEnds("dead"),
    cancelled: countEnds("cancelled"),
    run: computePercentiles("run"),
    wait: computePercentiles("wait"),
  };
}

/** Returns the statistics by job name, the busiest name first. */
function toNameStats(sums: readonly Sum[]): NameStats[] {
  const countsByName = new Map<string, MeasureCounts>();
  for (const sum of sums) {
    if (sum.name === null) continue;
    const counts = countsByName.get(sum.name) ?? new MeasureCounts();
    countsByName.set(sum.name, counts);
    counts.add(sum);
  }
  const countAttempts = ({ completed, failed }: NameStats) => completed + failed;
  return [...countsByName]
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
        p95: computeQuantileSeconds(run, 0.95),
      }),
    )
    .filter((stats) => countAttempts(stats) > 0)
    .toSorted((a, b) => countAttempts(b) - countAttempts(a) || (a.name < b.name ? -1 : 1));
}

function computeQuantileSeconds({ counts }: Histogram, share: number): number | null {
  const ms = computeQuantile(counts, share);
  return ms === null ? null : ms / 1_000;
}
