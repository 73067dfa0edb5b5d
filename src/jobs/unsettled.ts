import { sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { anyId, builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import type { Settled, Settlement } from "./settle.js";

/**
 * After a settle whose reply was lost: which of its settlements were written, and which are still to do.
 * Reads under a lock, since the lost statement may be committing yet.
 */
export async function findUnsettled(
  db: Queryable,
  workerId: string,
  settlements: readonly Settlement[],
): Promise<{ written: Settled[]; toDo: Settlement[] }> {
  const rows = await builder(db)
    .select({
      id: soniqJobs.id,
      claims: soniqJobs.claims,
      state: soniqJobs.state,
      workerId: soniqJobs.workerId,
      lastWorkerId: soniqJobs.lastWorkerId,
    })
    .from(soniqJobs)
    .where(sql`${soniqJobs.id} = ${anyId(settlements.map(({ id }) => id))}`)
    .orderBy(soniqJobs.id)
    .for("no key update");
  const byId = new Map(rows.map((row) => [row.id, row]));
  const written: Settled[] = [];
  const toDo: Settlement[] = [];
  for (const settlement of settlements) {
    const row = byId.get(settlement.id);
    // Only finished jobs are deleted: one that is gone was completed, and is not kept.
    if (!row) written.push({ id: settlement.id, state: "completed" });
    else if (row.claims !== settlement.claims || row.lastWorkerId !== workerId) continue;
    else if (row.workerId === workerId) toDo.push(settlement);
    else written.push({ id: row.id, state: row.state as Settled["state"] });
  }
  return { written, toDo };
}
