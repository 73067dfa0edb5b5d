import { sql } from "drizzle-orm";
import { soniqStats } from "../../schema/stats.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** So much more of one measure. */
export interface StatCount {
  readonly queue: string;
  readonly name: string;
  /** How attempts ended; or `run` or `wait`, for a histogram of milliseconds. */
  readonly measure: string;
  /** The histogram's bucket; else 0. */
  readonly bucket: number;
  readonly count: number;
}

/** How many counts one statement should add. */
export const maxRecorded = 1_000;

/**
 * Adds counts to those of this minute, by the database's clock. In the order of the primary key: workers that add to the same
 * rows at the same time wait for each other, and never in a circle.
 *
 * @param counts {@link maxRecorded} at the most
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
