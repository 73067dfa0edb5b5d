import { sql } from "drizzle-orm";
import { soniqStats } from "../../schema/stats.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/rows.js";
import { statsKeptSeconds, statsRanges } from "./ranges.js";

/** What is of an age that only ranges of wider steps show is kept in such steps. */
export interface Folding {
  readonly olderThanSeconds: number;
  readonly youngerThanSeconds: number;
  readonly stepSeconds: number;
}

/** One for each range whose steps are wider than those of the range before it. */
export const foldings: readonly Folding[] = foldingsOf(Object.values(statsRanges));

function foldingsOf(ranges: readonly { readonly seconds: number; readonly step: number }[]): Folding[] {
  return ranges.flatMap(({ seconds, step }, i) => {
    const [before, next] = [ranges[i - 1], ranges[i + 1]];
    if (!before || before.step === step) return [];
    // To where the next one begins: at a whole step of its own.
    const youngerThanSeconds = next ? seconds + next.step : statsKeptSeconds;
    return [{ olderThanSeconds: before.seconds, youngerThanSeconds, stepSeconds: step }];
  });
}

/**
 * Adds the minutes of one step to its first one, where they are older than a range that shows them one by one: or a week of a
 * hundred names would be millions of rows. A step that is folded costs a look at the primary key.
 *
 * @returns whether there was one: call again while there is
 */
export async function foldStats(
  db: Queryable,
  { olderThanSeconds, youngerThanSeconds, stepSeconds }: Folding,
): Promise<boolean> {
  const step = sql`${stepSeconds}::int * interval '1 second'`;
  const startOf = (secondsAgo: number) =>
    sql`to_timestamp(floor((date_part('epoch', now()) - ${secondsAgo}::int) / ${stepSeconds}::int) * ${stepSeconds}::int)`;
  const within = sql`minute > step.at and minute < step.at + ${step}`;
  const rows = await fetchRows(
    db,
    sql`with step as materialized (
        select at from generate_series(${startOf(youngerThanSeconds)}, ${startOf(olderThanSeconds)} - ${step}, ${step}) as step (at)
        where exists (select 1 from ${soniqStats} where ${within})
        limit 1
      ), folded as (
        delete from ${soniqStats} using step where ${within} returning at, queue, name, measure, bucket, count
      ), added as (
        insert into ${soniqStats} (minute, queue, name, measure, bucket, count)
        select at, queue, name, measure, bucket, sum(count) from folded group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
        on conflict (minute, queue, name, measure, bucket) do update set count = ${soniqStats}.count + excluded.count
      )
      select at from step`,
  );
  return rows.length > 0;
}
