import { sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { anyId, builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import type { Settled, Settlement } from "./settle.js";

/**
 * After a settle that failed, or whose reply was lost: which of its claims have ended.
 *
 * Without a lock: a statement that is committing yet leaves its claim standing here, and holds the row's lock, around
 * which the next settle goes.
 *
 * @returns by the job's id the state that this session left it in, or undefined if the claim was ended by another
 */
export async function findEnded(db: Queryable, workerId: string, settlements: readonly Settlement[]): Promise<Ended> {
  return endedAmong(await rowsOf(db, settlements), workerId, settlements);
}

/**
 * After a transaction whose commit was not answered: whether it was carried out. Waits for one that is under way, or fails
 * with 55P03: without the lock, its claim would seem to stand, and the job would run again beside its own commit.
 *
 * @returns like {@link findEnded}; a claim that is missing there stands, and nothing of its transaction was written
 */
export async function findCommitted(db: Queryable, workerId: string, settlement: Settlement): Promise<Ended> {
  const rows = await rowsOf(db, [settlement]).for("no key update");
  return endedAmong(rows, workerId, [settlement]);
}

/** By the job's id; of a claim that is not among them, nothing has been written. */
type Ended = Map<number, Settled["state"] | undefined>;

function rowsOf(db: Queryable, settlements: readonly Settlement[]) {
  return builder(db)
    .select({
      id: soniqJobs.id,
      claims: soniqJobs.claims,
      state: soniqJobs.state,
      workerId: soniqJobs.workerId,
      lastWorkerId: soniqJobs.lastWorkerId,
    })
    .from(soniqJobs)
    .where(sql`${soniqJobs.id} = ${anyId(settlements.map(({ id }) => id))}`);
}

function endedAmong(
  rows: Awaited<ReturnType<typeof rowsOf>>,
  workerId: string,
  settlements: readonly Settlement[],
): Ended {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const ended: Ended = new Map();
  for (const { id, claims } of settlements) {
    const row = byId.get(id);
    // Only finished jobs are deleted: one that is gone was completed, and is not kept.
    if (!row) ended.set(id, "completed");
    else if (row.claims !== claims || row.lastWorkerId !== workerId) ended.set(id, undefined);
    else if (row.workerId !== workerId) ended.set(id, row.state as Settled["state"]);
  }
  return ended;
}
