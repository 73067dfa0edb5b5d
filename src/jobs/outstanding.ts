import { type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqQueues } from "../../schema/queues.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** Whether any job of these queues is active, or due within `waitMs`. Paused queues wait for nobody. */
export async function hasOutstanding(db: Queryable, queues: readonly string[], waitMs: number): Promise<boolean> {
  const names = sql`select own.queue from jsonb_array_elements_text(${JSON.stringify(queues)}::text::jsonb) as own (queue)`;
  // Asked of the queues, not of each job: a million may wait in a paused one.
  const going = sql`${names} where not exists (select 1 from ${soniqQueues} where ${soniqQueues.name} = own.queue and ${soniqQueues.pausedAt} is not null)`;
  const active = jobs(sql`state = 'active'`, names);
  const due = sql`${soniqJobs.runAt} <= now() + ${waitMs}::float8 * interval '1 millisecond'`;
  const queued = jobs(sql`state = 'queued' and ${due}`, going);
  const [found] = await builder(db)
    .select({ outstanding: sql<boolean>`exists (${active}) or exists (${queued})` })
    .from(sql`(values (1)) as one`);
  return found?.outstanding ?? false;
}

function jobs(such: SQL, queues: SQL) {
  return new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(sql`${such} and ${soniqJobs.queue} = any (array(${queues}))`);
}
