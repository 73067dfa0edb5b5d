import { and, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder } from "../../core/builder.js";
import { bisectFailures } from "../../core/in-halves.js";
import type { Queryable } from "../../core/queryable.js";

/** A parked job is due never: it lies behind all that claims look at, and costs them nothing. */
export const isParked = sql`${soniqJobs.runAt} = 'infinity'`;

/** Called for each job that PostgreSQL refuses to change, while the others are changed. */
export type Refused = (id: number, error: unknown) => void;

/** After so many refused statements the rest is left as it is: it may not be the rows. */
const maxRefusals = 64;

/**
 * queued → queued, parked: set aside until it is freed. One that somebody has locked is being claimed, and passed over.
 *
 * @returns the ids of those that were parked
 */
export function park(db: Queryable, ids: readonly number[], refused: Refused): Promise<number[]> {
  return bisectFailures(ids, (some) => move(db, some, sql`'infinity'`, sql`not ${isParked}`), refused, maxRefusals);
}

/**
 * parked → due now, in the order of their ids: where it was in its queue before, claims have passed by.
 *
 * @returns the ids of those that were freed
 */
export function free(db: Queryable, ids: readonly number[], refused: Refused): Promise<number[]> {
  return bisectFailures(ids, (some) => move(db, some, sql`now()`, isParked), refused, maxRefusals);
}

async function move(db: Queryable, ids: readonly number[], runAt: SQL, which: SQL): Promise<number[]> {
  const unlocked = new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.id} = ${anyId(ids)}`, sql`${soniqJobs.state} = 'queued'`, which))
    .for("no key update", { skipLocked: true });
  const moved = await builder(db)
    .update(soniqJobs)
    .set({ runAt })
    .where(sql`${soniqJobs.id} = any (array(${unlocked}))`)
    .returning({ id: soniqJobs.id });
  return moved.map(({ id }) => id);
}
