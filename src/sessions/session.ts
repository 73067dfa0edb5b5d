import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { float8, interval } from "../core/fragments.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { isOnAnotherTimeline, revokedLease } from "./timeline.js";

/** What a worker says of itself. */
export interface SessionInput {
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  /** A digest of the application's code, if it has some. */
  readonly code?: string;
  /** Concurrency by queue. */
  readonly queues: Readonly<Record<string, number>>;
  /** The schedules that its code defines: the definitions' hashes by name. Default: none. */
  readonly schedules?: Readonly<Record<string, string>>;
  readonly leaseMs: number;
  /** From `findTimeline`. By default, the session outlives a failover. */
  readonly timeline?: SQL | undefined;
}

const leaseFor = (ms: number) => sql`now() + ${interval(float8(ms))}`;

/** Begins a worker session. @returns its id, fresh each time */
export async function openSession(
  db: Queryable,
  { host, pid, version, code, queues, schedules = {}, leaseMs, timeline }: SessionInput,
): Promise<string> {
  const [session] = await builder(db)
    .insert(soniqWorkers)
    .values({
      host,
      pid,
      version,
      code,
      queues: sql`${JSON.stringify(queues)}::text::jsonb`,
      schedules: sql`${JSON.stringify(schedules)}::text::jsonb`,
      leaseExpiresAt: leaseFor(leaseMs),
      timeline: timeline ?? null,
    })
    .returning({ id: soniqWorkers.id });
  return (session as { id: string }).id;
}

/**
 * Extends the lease, by primary key and nothing else. A session that began on another timeline ends instead.
 *
 * @param timeline from `findTimeline`
 * @returns false if the session has ended: it is never revived
 */
export async function beat(db: Queryable, id: string, leaseMs: number, timeline?: SQL): Promise<boolean> {
  const moved = isOnAnotherTimeline(timeline);
  const [session] = await builder(db)
    .update(soniqWorkers)
    .set({
      beatAt: sql`now()`,
      leaseExpiresAt: sql`case when ${moved} then ${revokedLease} else ${leaseFor(leaseMs)} end`,
      endedAt: sql`case when ${moved} then now() end`,
      idleQueues: sql`case when ${moved} then '[]' else ${soniqWorkers.idleQueues} end`,
    })
    .where(and(eq(soniqWorkers.id, id), isNull(soniqWorkers.endedAt)))
    .returning({ live: sql<boolean>`${soniqWorkers.endedAt} is null` });
  return session?.live ?? false;
}

/** Says in which queues the session waits for work, so that enqueues there ring. */
export async function publishIdle(db: Queryable, id: string, queues: readonly string[]): Promise<void> {
  await builder(db)
    .update(soniqWorkers)
    .set({ idleQueues: sql`${JSON.stringify(queues)}::text::jsonb` })
    .where(and(eq(soniqWorkers.id, id), isNull(soniqWorkers.endedAt)));
}

/** Ends a session: whatever it holds may be rescued from then on. */
export async function endSession(db: Queryable, id: string): Promise<void> {
  await builder(db)
    .update(soniqWorkers)
    .set({ endedAt: sql`now()`, idleQueues: sql`'[]'::jsonb` })
    .where(and(eq(soniqWorkers.id, id), isNull(soniqWorkers.endedAt)));
}
