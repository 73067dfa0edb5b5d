import { sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { rowsOf } from "../core/rows.js";
import { timestamp } from "../core/fragments.js";

/**
 * The id from which on jobs were enqueued at a time or later. There is no index of that time, but ids follow it: it halves
 * them until it is there, some thirty look-ups by primary key.
 */
export async function findPlace(db: Queryable, timeMs: number): Promise<number> {
  const isLater = sql`select created_at >= ${timestamp(timeMs)} from ${soniqJobs} where id >= middle order by id limit 1`;
  const [found] = await rowsOf<{ place: number }>(
    db,
    sql`with recursive halves (low, high) as (
        select 0::bigint, coalesce((select id from ${soniqJobs} order by id desc limit 1), 0) + 1
        union all
        select case when later then low else middle end, case when later then middle else high end
        from halves cross join lateral (select (low + high) / 2 as middle) as half
          cross join lateral (select coalesce((${isLater}), true) as later) as looked
        where high - low > 1
      )
      select min(high)::float8 as place from halves`,
  ).catch(explainMissingTables);
  return (found as { place: number }).place;
}
