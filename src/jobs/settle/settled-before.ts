import { sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import { isOnItsTimeline } from "../../sessions/timeline.js";
import type { Settled, Settlement } from "./settle.js";

/**
 * After a settle that failed, or whose reply was lost: which of its claims have ended.
 *
 * Without a lock: a statement that is committing yet leaves its claim standing here, and holds the row's lock, around
 * which the next settle goes.
 *
 * @returns of those that ended the state that this session left the job in, or undefined if another ended the claim
 */
export async function findEnded<S extends Settlement>(
  db: Queryable,
  workerId: string,
  settlements: readonly S[],
): Promise<Ended<S>> {
  return endedAmong(db, await rowsOf(db, settlements), workerId, settlements);
}

/**
 * After a transaction whose commit was not answered: whether it was carried out. Waits for one that is under way, or fails
 * with 55P03: without the lock, its claim would seem to stand, and the job would run again beside its own commit.
 *
 * @returns like {@link findEnded}; a claim that is missing there stands, and nothing of its transaction was written
 */
export async function findCommitted<S extends Settlement>(
  db: Queryable,
  workerId: string,
  settlement: S,
): Promise<Ended<S>> {
  const rows = await rowsOf(db, [settlement]).for("no key update");
  return endedAmong(db, rows, workerId, [settlement]);
}

type Ended<S> = Map<S, Settled["state"] | undefined>;

function rowsOf(db: Queryable, settlements: readonly Settlement[]) {
  return builder(db)
    .select({
      id: soniqJobs.id,
      claimToken: soniqJobs.claimToken,
      state: soniqJobs.state,
      workerId: soniqJobs.workerId,
      lastWorkerId: soniqJobs.lastWorkerId,
    })
    .from(soniqJobs)
    .where(sql`${soniqJobs.id} = ${anyId(settlements.map(({ id }) => id))}`);
}

async function endedAmong<S extends Settlement>(
  db: Queryable,
  rows: Awaited<ReturnType<typeof rowsOf>>,
  workerId: string,
  settlements: readonly S[],
): Promise<Ended<S>> {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const mayBeDeleted = settlements.some(({ id, outcome }) => outcome.kind === "completed" && !byId.has(id));
  // Only finished jobs are deleted: one that is gone was completed, unless a failover has lost it.
  const gone = mayBeDeleted && (await isOnItsTimeline(db, workerId)) ? "completed" : undefined;
  const ended: Ended<S> = new Map();
  for (const settlement of settlements) {
    const row = byId.get(settlement.id);
    if (!row) ended.set(settlement, settlement.outcome.kind === "completed" ? gone : undefined);
    else if (row.claimToken !== settlement.claimToken || row.lastWorkerId !== workerId)
      ended.set(settlement, undefined);
    else if (row.workerId !== workerId) ended.set(settlement, mayHaveLeft(settlement, row.state as Settled["state"]));
  }
  return ended;
}

/** A rescue leaves the claim's token and worker as they were: but what completes leaves nothing else than a completed job. */
function mayHaveLeft({ outcome }: Settlement, state: Settled["state"]): Settled["state"] | undefined {
  return (outcome.kind === "completed") === (state === "completed") ? state : undefined;
}
