import { and, eq, isNotNull, sql } from "drizzle-orm";
import { soniqQueues } from "../../schema/queues.js";
import { builder } from "../core/builder.js";
import { parseText } from "../core/json.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { retryConflicts } from "../core/retry-conflicts.js";

/** Announces a paused queue: workers release the jobs that they have claimed from it and not started. */
export const pauseChannel = "soniq_pause";
/** Announces a resumed queue. */
export const resumeChannel = "soniq_resume";

/**
 * Pauses a queue in all processes at once. Nothing is claimed from it, and workers return claimed jobs that have not started to
 * their old positions. Running jobs finish, and jobs may be enqueued. The pause lasts until {@link resumeQueue}. The queue need
 * not have been used before. A worker behind a pooler receives no NOTIFY, so it may start the jobs that it has already claimed
 * for up to 2 s.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws InvalidValueError before any SQL, if the name is not valid
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
      .select({ notified: sql`pg_notify(${pauseChannel}, ${paused.name}) is null` })
      .from(paused);
  }).catch(explainMissingTables);
}

/**
 * Resumes a paused queue, in all processes at once and in its old order.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @returns whether the queue was paused
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function resumeQueue(db: Queryable, name: string): Promise<boolean> {
  parseText(name, "queue", 200);
  const resumed = await retryConflicts(db, (on) => {
    const qb = builder(on);
    const update = qb.$with("resumed").as(
      qb
        .update(soniqQueues)
        .set({ pausedAt: null })
        .where(and(eq(soniqQueues.name, name), isNotNull(soniqQueues.pausedAt)))
        .returning({ name: soniqQueues.name }),
    );
    return qb
      .with(update)
      .select({ notified: sql`pg_notify(${resumeChannel}, ${update.name}) is null` })
      .from(update);
  }).catch(explainMissingTables);
  return resumed.length > 0;
}
