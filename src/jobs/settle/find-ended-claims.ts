import { sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import { isOnItsTimeline } from "../../sessions/timeline.js";
import type { Settled, Settlement } from "./settlement.js";

/**
 * Finds out which claims have ended, after a settle that failed or whose reply was lost.
 *
 * Reads without locking. If the first settle is still committing, its claim still looks open here; the retry skips locked rows,
 * so it cannot settle the job twice.
 *
 * @returns the claims that have ended, each with the state in which this session left the job, or undefined if this session did
 *   not end the claim
 */
export async function findEndedClaims<S extends Settlement>(
  db: Queryable,
  workerId: string,
  settlements: readonly S[],
): Promise<EndedClaims<S>> {
  return matchEndedClaims(db, await selectClaimRows(db, settlements), workerId, settlements);
}

/**
 * Finds out whether a transaction committed, after the reply to its COMMIT was lost. Locks the row, so it waits for a commit that
 * is under way, or fails with 55P03. Without the lock, the claim would still look open, and the job would run again beside its
 * own commit.
 *
 * @returns like {@link findEndedClaims}; a claim that is missing from the map still stands, and nothing of its transaction was
 *   written
 */
export async function findCommittedSettlement<S extends Settlement>(
  db: Queryable,
  workerId: string,
  settlement: S,
): Promise<EndedClaims<S>> {
  const rows = await selectClaimRows(db, [settlement]).for("no key update");
  return matchEndedClaims(db, rows, workerId, [settlement]);
}

type EndedClaims<S> = Map<S, Settled["state"] | undefined>;

function selectClaimRows(db: Queryable, settlements: readonly Settlement[]) {
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

async function matchEndedClaims<S extends Settlement>(
  db: Queryable,
  rows: Awaited<ReturnType<typeof selectClaimRows>>,
  workerId: string,
  settlements: readonly S[],
): Promise<EndedClaims<S>> {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const mayBeDeleted = settlements.some(({ id, outcome }) => outcome.kind === "completed" && !byId.has(id));
  // Only finished jobs are deleted, so a missing job was completed, unless a failover has lost it.
  const deletedState = mayBeDeleted && (await isOnItsTimeline(db, workerId)) ? "completed" : undefined;
  const ended: EndedClaims<S> = new Map();
  for (const settlement of settlements) {
    const row = byId.get(settlement.id);
    if (!row) ended.set(settlement, settlement.outcome.kind === "completed" ? deletedState : undefined);
    else if (row.claimToken !== settlement.claimToken || row.lastWorkerId !== workerId)
      ended.set(settlement, undefined);
    else if (row.workerId !== workerId) ended.set(settlement, stateIfOurs(settlement, row.state as Settled["state"]));
  }
  return ended;
}

/**
 * A rescue does not change `claim_token` or `last_worker_id`, so those alone cannot tell our settle from a rescue. The state can:
 * only our own completion leaves `completed`.
 */
function stateIfOurs({ outcome }: Settlement, state: Settled["state"]): Settled["state"] | undefined {
  return (outcome.kind === "completed") === (state === "completed") ? state : undefined;
}
