import { and, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../schema/jobs.js";
import { anyId, builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** A parked job is due never: it lies behind all that claims look at, and costs them nothing. */
export const isParked = sql`${soniqJobs.runAt} = 'infinity'`;

/** queued → queued, parked: set aside until it is freed. One that somebody has locked is being claimed, and passed over. */
export async function park(db: Queryable, ids: readonly number[]): Promise<void> {
  await move(db, ids, sql`'infinity'`, sql`not ${isParked}`);
}

/** parked → due now, in the order of their ids: where it was in its queue before, claims have passed by. */
export async function free(db: Queryable, ids: readonly number[]): Promise<void> {
  await move(db, ids, sql`now()`, isParked);
}

async function move(db: Queryable, ids: readonly number[], runAt: SQL, which: SQL): Promise<void> {
  if (ids.length === 0) return;
  const unlocked = new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.id} = ${anyId(ids)}`, sql`${soniqJobs.state} = 'queued'`, which))
    .for("no key update", { skipLocked: true });
  await builder(db)
    .update(soniqJobs)
    .set({ runAt })
    .where(sql`${soniqJobs.id} = any (array(${unlocked}))`);
}
