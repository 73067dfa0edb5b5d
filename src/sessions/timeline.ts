import { eq, type SQL, sql } from "drizzle-orm";
import { oneRow } from "../core/fragments.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import { findErrorCode } from "../core/errors.js";
import { classifyFailure } from "../core/failure.js";
import type { Queryable } from "../core/queryable.js";

/**
 * The timeline that PostgreSQL writes, as the first part of its WAL files' names: a standby that is promoted begins another one,
 * and what it had not received is lost. Null on a standby.
 */
const currentTimeline = sql`case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_lsn()), 8) end`;

/** Asks PostgreSQL on which timeline it is, as a part of a statement. */
export type Timeline = SQL;

/**
 * Finds out whether PostgreSQL says on which timeline it is: some hosted servers refuse, and a role may not be allowed to ask.
 *
 * @returns the expression that asks it, for `openSession`, `beat` and `expireSessions`; undefined where it cannot be asked
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

/** Whether a session began on another timeline than PostgreSQL is on now. False where either is not known. */
export function isOnAnotherTimeline(timeline: Timeline | undefined): SQL {
  return timeline ? sql`coalesce(${soniqWorkers.timeline} <> ${timeline}, false)` : sql`false`;
}

/**
 * The lease of a session that ended because PostgreSQL went on without some of its commits: whatever it held is given back, and
 * no crash is counted.
 */
export const revokedLease = sql`'-infinity'::timestamptz`;

/** Whether all that a session has committed must be here: it is known, and PostgreSQL has begun no other timeline since it began. */
export async function isOnItsTimeline(db: Queryable, session: string): Promise<boolean> {
  const [found] = await builder(db)
    .select({ timeline: soniqWorkers.timeline })
    .from(soniqWorkers)
    .where(eq(soniqWorkers.id, session));
  // Whoever could write its timeline down may ask for it.
  if (!found || found.timeline === null) return found !== undefined;
  const [now] = await builder(db)
    .select({ timeline: sql<string | null>`${currentTimeline}` })
    .from(oneRow);
  return now?.timeline === found.timeline;
}
