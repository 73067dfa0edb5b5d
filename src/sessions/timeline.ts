import { eq, type SQL, sql } from "drizzle-orm";
import { oneRow } from "../core/fragments.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import { findErrorCode } from "../core/errors.js";
import { classifyFailure } from "../core/failure.js";
import type { Queryable } from "../core/queryable.js";

/**
 * PostgreSQL's current timeline, as the first part of its WAL file names; null on a standby. When a standby is promoted, it starts a new
 * timeline, and commits that it had not received are lost.
 */
const currentTimeline = sql`case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_lsn()), 8) end`;

/** An SQL expression that returns PostgreSQL's current timeline. */
export type Timeline = SQL;

/**
 * Checks whether PostgreSQL reports its timeline: some hosted servers refuse, and the role may lack the privilege.
 *
 * @returns the expression for the timeline, for `openSession`, `beat` and `expireSessions`; undefined if it cannot be read
 */
export async function findTimeline(db: Queryable): Promise<Timeline | undefined> {
  try {
    await builder(db).select({ timeline: currentTimeline }).from(oneRow);
    return currentTimeline;
  } catch (error) {
    if (classifyFailure(error) === "row" || findErrorCode(error)?.startsWith("XX")) return undefined;
    throw error;
  }
}

/** The condition that a session began on another timeline than PostgreSQL's current one. It is false if either is unknown. */
export function isOnAnotherTimeline(timeline: Timeline | undefined): SQL {
  return timeline ? sql`coalesce(${soniqWorkers.timeline} <> ${timeline}, false)` : sql`false`;
}

/**
 * The lease of a session that ended because a failover lost some of its commits. Its jobs are given back without counting a crash.
 */
export const revokedLease = sql`'-infinity'::timestamptz`;

/**
 * Whether no commit of a session can be missing: its row exists, and PostgreSQL has not started another timeline since the
 * session began.
 */
export async function isOnItsTimeline(db: Queryable, session: string): Promise<boolean> {
  const [found] = await builder(db)
    .select({ timeline: soniqWorkers.timeline })
    .from(soniqWorkers)
    .where(eq(soniqWorkers.id, session));
  // A session without a timeline could not read it, so the query below would fail. Otherwise the role has the privilege.
  if (!found || found.timeline === null) return found !== undefined;
  const [now] = await builder(db)
    .select({ timeline: sql<string | null>`${currentTimeline}` })
    .from(oneRow);
  return now?.timeline === found.timeline;
}
