import { and, inArray, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqQueues } from "../../schema/queues.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** Whether any job of these queues is active, or due within `waitMs`. Paused queues wait for nobody. */
export async function hasOutstanding(db: Queryable, queues: readonly string[], waitMs: number): Promise<boolean> {
  const qb = new QueryBuilder();
  const job = (state: string, more?: ReturnType<typeof sql>) =>
    qb
      .select({ id: soniqJobs.id })
      .from(soniqJobs)
      .where(and(sql.raw(`state = '${state}'`), inArray(soniqJobs.queue, [...queues]), more));
  const paused = sql`exists (select 1 from ${soniqQueues} where ${soniqQueues.name} = ${soniqJobs.queue} and ${soniqQueues.pausedAt} is not null)`;
  const due = sql`${soniqJobs.runAt} <= now() + ${waitMs}::float8 * interval '1 millisecond' and not ${paused}`;
  const [found] = await builder(db)
    .select({ outstanding: sql<boolean>`exists (${job("active")}) or exists (${job("queued", due)})` })
    .from(sql`(values (1)) as one`);
  return found?.outstanding ?? false;
}
