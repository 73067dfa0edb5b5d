import { and, inArray, isNotNull, type SQL, sql } from "drizzle-orm";
import { float8, interval, oneRow } from "../../core/fragments.js";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { soniqQueues } from "../../../schema/queues.js";
import { builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";

/** Whether any job of these queues is active, or due within `waitMs`. Due jobs of paused queues do not count. */
export async function hasOutstanding(db: Queryable, queues: readonly string[], waitMs: number): Promise<boolean> {
  // Read in advance instead of once per job, because a million jobs may wait in a paused queue.
  const paused = await builder(db)
    .select({ name: soniqQueues.name })
    .from(soniqQueues)
    .where(and(inArray(soniqQueues.name, [...queues]), isNotNull(soniqQueues.pausedAt)));
  const unpaused = queues.filter((queue) => !paused.some(({ name }) => name === queue));
  const due = sql`${soniqJobs.runAt} <= now() + ${interval(float8(waitMs))}`;
  const active = selectJobs(sql`state = 'active'`, queues);
  const queued = selectJobs(sql`state = 'queued' and ${due}`, unpaused);
  const [found] = await builder(db)
    .select({ outstanding: sql<boolean>`exists (${active}) or exists (${queued})` })
    .from(oneRow);
  return found?.outstanding ?? false;
}

function selectJobs(condition: SQL, queues: readonly string[]) {
  return new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(and(condition, inArray(soniqJobs.queue, [...queues])));
}
