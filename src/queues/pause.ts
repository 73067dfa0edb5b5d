import { and, eq, isNotNull, sql } from "drizzle-orm";
import { soniqQueues } from "../../schema/queues.js";
import { builder } from "../core/builder.js";
import { parseText } from "../core/json.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { retryConflicts } from "../core/retry-conflicts.js";

/** Says which queue was paused: workers give back what they hold of it and have not started. */
export const pauseChannel = "soniq_pause";
/** Says which queue goes on. */
export const resumeChannel = "soniq_resume";

/**
 * Pauses a queue in all processes at once: nothing is claimed from it, and jobs that wait in a worker's hand are given back
 * to their places. Running jobs finish, and jobs may be enqueued. It lasts until {@link resumeQueue}, also for a queue that
 * nobody has used yet. A worker behind a pooler hears nothing: it may start what it has in hand, for 2 s at the most.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws InvalidValueError before any SQL, if the name is none
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function pauseQueue(db: Queryable, name: string): Promise<void> {
  parseText(name, "queue", 200);
  await retryConflicts(db, (on) => {
    const qb = builder(on);
    const paused = qb.$with("paused").as(
      qb
        .insert(soniqQueues)
        .values({ name, pausedAt: sql`clock_timestamp()` })
        .onConflictDoUpdate({
          target: soniqQueues.name,
          set: { pausedAt: sql`coalesce(${soniqQueues.pausedAt}, excluded.paused_at)` },
        })
        .returning({ name: soniqQueues.name }),
    );
    return qb
      .with(paused)
      .select({ said: sql`pg_notify(${pauseChannel}, ${paused.name}) is null` })
      .from(paused);
  }).catch(explainMissingTables);
}

/**
 * Has a paused queue go on, in all processes at once and in its old order.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @returns whether it was paused
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function resumeQueue(db: Queryable, name: string): Promise<boolean> {
  parseText(name, "queue", 200);
  const resumed = await retryConflicts(db, (on) => {
    const qb = builder(on);
    const goesOn = qb.$with("goes_on").as(
      qb
        .update(soniqQueues)
        .set({ pausedAt: null })
        .where(and(eq(soniqQueues.name, name), isNotNull(soniqQueues.pausedAt)))
        .returning({ name: soniqQueues.name }),
    );
    return qb
      .with(goesOn)
      .select({ said: sql`pg_notify(${resumeChannel}, ${goesOn.name}) is null` })
      .from(goesOn);
  }).catch(explainMissingTables);
  return resumed.length > 0;
}
