import { and, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder } from "../../core/builder.js";
import { bisectFailures } from "../../core/bisect-failures.js";
import type { Queryable } from "../../core/queryable.js";

/** A parked job is never due. It lies behind all jobs that claims scan, so it costs them nothing. */
export const isParked = sql`${soniqJobs.runAt} = 'infinity'`;

/** Called for each job that PostgreSQL refuses to change; the rest are still changed. */
export type RefusalHandler = (id: number, error: unknown) => void;

/** After this many refused statements, the remaining jobs are left unchanged: the cause may not be the rows. */
const maxRefusals = 64;

/**
 * queued → parked: sets jobs aside until they are unparked. Skips locked rows, because those are being claimed.
 *
 * @returns the ids of the jobs that were parked
 */
export function park(db: Queryable, ids: readonly number[], onRefused: RefusalHandler): Promise<number[]> {
  return bisectFailures(
    ids,
    (batch) => moveRows(db, batch, sql`'infinity'`, sql`not ${isParked}`),
    onRefused,
    maxRefusals,
  );
}

/**
 * parked → due now, in the order of their ids. The jobs lose their old positions, because claims have already passed those.
 *
 * @returns the ids of the jobs that were unparked
 */
export function unpark(db: Queryable, ids: readonly number[], onRefused: RefusalHandler): Promise<number[]> {
  return bisectFailures(ids, (batch) => moveRows(db, batch, sql`now()`, isParked), onRefused, maxRefusals);
}

async function moveRows(db: Queryable, ids: readonly number[], runAt: SQL, condition: SQL): Promise<number[]> {
  const unlocked = new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.id} = ${anyId(ids)}`, sql`${soniqJobs.state} = 'queued'`, condition))
    .for("no key update", { skipLocked: true });
  const moved = await builder(db)
    .update(soniqJobs)
    .set({ runAt })
    .where(sql`${soniqJobs.id} = any (array(${unlocked}))`)
    .returning({ id: soniqJobs.id });
  return moved.map(({ id }) => id);
}
