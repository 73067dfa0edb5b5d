import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { float8, interval } from "../core/fragments.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { isOnAnotherTimeline, revokedLease } from "./timeline.js";

/** The description of a worker that its session publishes. */
export interface SessionInput {
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  /** A digest of the application's job definitions and handlers. Default: none. */
  readonly code?: string;
  /** The concurrency by queue. */
  readonly queues: Readonly<Record<string, number>>;
  /** The schedules that the application's code defines: the hashes of the definitions by name. Default: none. */
  readonly schedules?: Readonly<Record<string, string>>;
  readonly leaseMs: number;
  /** From `findTimeline`. Without it, the session survives a failover. */
  readonly timeline?: SQL | undefined;
}

const leaseEnd = (ms: number) => sql`now() + ${interval(float8(ms))}`;

/** Starts a worker session. @returns its id, which is new each time */
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
      leaseExpiresAt: leaseEnd(leaseMs),
      timeline: timeline ?? null,
    })
    .returning({ id: soniqWorkers.id });
  return (session as { id: string }).id;
}

/**
 * Sends a heartbeat, which extends the lease by primary key and does nothing else. A session that began on another timeline ends instead.
 *
 * @param timeline from `findTimeline`
 * @returns false if the session has ended; it is never revived
 */
export async function beat(db: Queryable, id: string, leaseMs: number, timeline?: SQL): Promise<boolean> {
  const hasMoved = isOnAnotherTimeline(timeline);
  const [session] = await builder(db)
    .update(soniqWorkers)
    .set({
      beatAt: sql`now()`,
      leaseExpiresAt: sql`case when ${hasMoved} then ${revokedLease} else ${leaseEnd(leaseMs)} end`,
      endedAt: sql`case when ${hasMoved} then now() end`,
      idleQueues: sql`case when ${hasMoved} then '[]' else ${soniqWorkers.idleQueues} end`,
    })
    .where(and(eq(soniqWorkers.id, id), isNull(soniqWorkers.endedAt)))
    .returning({ live: sql<boolean>`${soniqWorkers.endedAt} is null` });
  return session?.live ?? false;
}

/** Publishes in which queues the session waits for jobs, so that an enqueue into one of them rings. */
export async function publishIdleQueues(db: Queryable, id: string, queues: readonly string[]): Promise<void> {
  await builder(db)
    .update(soniqWorkers)
    .set({ idleQueues: sql`${JSON.stringify(queues)}::text::jsonb` })
    .where(and(eq(soniqWorkers.id, id), isNull(soniqWorkers.endedAt)));
}

/** Ends a session. From then on, its jobs may be rescued. */
export async function endSession(db: Queryable, id: string): Promise<void> {
  await builder(db)
    .update(soniqWorkers)
    .set({ endedAt: sql`now()`, idleQueues: sql`'[]'::jsonb` })
    .where(and(eq(soniqWorkers.id, id), isNull(soniqWorkers.endedAt)));
}
