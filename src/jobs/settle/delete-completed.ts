import { sql } from "drizzle-orm";
import { oneRow } from "../../core/fragments.js";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/rows.js";
import type { Settled, Settlement } from "./settle.js";

/**
 * active → gone: settles completed jobs by deleting them, under the same fence as `settle`.
 * For where nothing is kept of them, and no foreign key references the table.
 *
 * @returns the jobs that were deleted; the others were fenced, or hold a key past their end and must be settled
 */
export async function deleteCompleted(
  db: Queryable,
  workerId: string,
  settlements: readonly Settlement[],
): Promise<Settled[]> {
  const held = JSON.stringify(settlements.map(({ id, claimToken }) => ({ id, token: claimToken })));
  // The builder has no `using`; with a subquery, the planner may compare each row with each claim.
  const deleted = await fetchRows<{ id: string | number; claim_token: number }>(
    db,
    sql`delete from ${soniqJobs} using (select * from jsonb_to_recordset(${held}::text::jsonb) as row (id bigint, token int) limit ${settlements.length}) as s
      where ${soniqJobs.id} = s.id and ${soniqJobs.claimToken} = s.token and ${soniqJobs.workerId} = ${workerId}
        and not (${soniqJobs.uniqueHeld} and coalesce(${soniqJobs.uniqueExpiresAt} > now(), false))
      returning ${soniqJobs.id}, ${soniqJobs.claimToken}`,
  );
  return deleted.map(({ id, claim_token: claimToken }) => ({ id: Number(id), claimToken, state: "completed" }));
}

/** Whether a foreign key references the jobs: then a completed job cannot be deleted as it is settled. */
export async function isReferenced(db: Queryable): Promise<boolean> {
  const [found] = await builder(db)
    .select({
      referenced: sql<boolean>`exists (select 1 from pg_constraint where contype = 'f' and confrelid = 'soniq_jobs'::regclass)`,
    })
    .from(oneRow);
  return found?.referenced ?? true;
}
