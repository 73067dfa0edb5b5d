import { sql } from "drizzle-orm";
import { oneRow } from "../../core/fragments.js";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/fetch-rows.js";
import type { Settled, Settlement } from "./settlement.js";

/**
 * active → deleted: settles completed jobs by deleting them, under the same fence as `settle`. For workers that keep no completed
 * jobs, if no foreign key references the table.
 *
 * @returns the deleted jobs; the rest were fenced, or hold a key past their end and must be settled
 */
export async function deleteCompleted(
  db: Queryable,
  workerId: string,
  settlements: readonly Settlement[],
): Promise<Settled[]> {
  const claims = JSON.stringify(settlements.map(({ id, claimToken }) => ({ id, token: claimToken })));
  // Drizzle's builder has no `using`. With a subquery instead, the planner may compare every row with every claim.
  const deleted = await fetchRows<{ id: string | number; claim_token: number }>(
    db,
    sql`delete from ${soniqJobs} using (select * from jsonb_to_recordset(${claims}::text::jsonb) as row (id bigint, token int) limit ${settlements.length}) as s
      where ${soniqJobs.id} = s.id and ${soniqJobs.claimToken} = s.token and ${soniqJobs.workerId} = ${workerId}
        and not (${soniqJobs.uniqueHeld} and coalesce(${soniqJobs.uniqueExpiresAt} > now(), false))
      returning ${soniqJobs.id}, ${soniqJobs.claimToken}`,
  );
  return deleted.map(({ id, claim_token: claimToken }) => ({ id: Number(id), claimToken, state: "completed" }));
}

/** Whether a foreign key references the jobs table. If so, completed jobs cannot be deleted as they are settled. */
export async function isReferenced(db: Queryable): Promise<boolean> {
  const [found] = await builder(db)
    .select({
      referenced: sql<boolean>`exists (select 1 from pg_constraint where contype = 'f' and confrelid = 'soniq_jobs'::regclass)`,
    })
    .from(oneRow);
  return found?.referenced ?? true;
}
