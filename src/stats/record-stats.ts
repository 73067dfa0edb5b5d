import { sql } from "drizzle-orm";
import { soniqStats } from "../../schema/stats.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** An increment of one measure. */
export interface StatCount {
  readonly queue: string;
  readonly name: string;
  /** The end of attempts, such as `completed`; or `run` or `wait`, for a histogram of milliseconds. */
  readonly measure: string;
  /** The histogram's bucket, or 0 for other measures. */
  readonly bucket: number;
  readonly count: number;
}

/** The maximum number of counts per statement. */
export const maxCountsPerStatement = 1_000;

/**
 * Adds counts to the current minute's counts, by the database's clock. It adds them in the order of the primary key, so that workers that
 * update the same rows at the same time cannot deadlock.
 *
 * @param counts at most {@link maxCountsPerStatement}
 */
export async function recordStats(db: Queryable, counts: readonly StatCount[]): Promise<void> {
  const rows = JSON.stringify(counts);
  await builder(db)
    .insert(soniqStats)
    .select(
      sql`select date_trunc('minute', now()), queue, name, measure, bucket, count
        from jsonb_to_recordset(${rows}::text::jsonb) as row (queue text, name text, measure text, bucket smallint, count bigint)
        order by queue, name, measure, bucket`,
    )
    .onConflictDoUpdate({
      target: [soniqStats.minute, soniqStats.queue, soniqStats.name, soniqStats.measure, soniqStats.bucket],
      set: { count: sql`${soniqStats.count} + excluded.count` },
    });
}
