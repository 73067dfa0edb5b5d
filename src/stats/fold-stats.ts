import { sql } from "drizzle-orm";
import { soniqStats } from "../../schema/stats.js";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/fetch-rows.js";
import { statsRetentionSeconds, statsRanges } from "./ranges.js";

/** Statistics of this age are shown only by ranges with wider steps, so they are stored in such steps. */
export interface Folding {
  readonly olderThanSeconds: number;
  readonly youngerThanSeconds: number;
  readonly stepSeconds: number;
}

/** A folding for each range whose steps are wider than the previous range's steps. */
export const foldings: readonly Folding[] = buildFoldings(Object.values(statsRanges));

function buildFoldings(ranges: readonly { readonly seconds: number; readonly step: number }[]): Folding[] {
  return ranges.flatMap(({ seconds, step }, i) => {
    const [previous, next] = [ranges[i - 1], ranges[i + 1]];
    if (!previous || previous.step === step) return [];
    // Reaches to the start of the next folding, which is aligned to that folding's step.
    const youngerThanSeconds = next ? seconds + next.step : statsRetentionSeconds;
    return [{ olderThanSeconds: previous.seconds, youngerThanSeconds, stepSeconds: step }];
  });
}

/**
 * Folds the minutes of one step into the step's first minute, if they are older than every range that shows single minutes.
 * Otherwise, a week with a hundred job names would be millions of rows. A step that is already folded costs one lookup in the primary key.
 *
 * @returns whether a step was folded: if so, call again
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
