import { sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { fetchRows } from "../../core/fetch-rows.js";
import { prepareStatement } from "../../core/prepare-statement.js";
import type { Queryable } from "../../core/queryable.js";
import {
  buildClaimOfOne,
  type Claim,
  type ClaimedRow,
  type ClaimInput,
  type ClaimValues,
  toClaimedJob,
  toClaimValues,
} from "../claim/claim.js";
import { buildSettle, type SettleValues } from "./settle.js";
import { type Settled, type Settlement, toCompletionJson } from "./settlement.js";

/**
 * Settles a completed job, and claims the next one, in one statement and one commit. The claim does not see the settled job.
 *
 * The commit is synchronous, whatever `asyncCommit` says: it is the settle's commit.
 *
 * @param settlement a plain completion of the session that claims
 */
export async function settleAndClaim(
  db: Queryable,
  settlement: Settlement,
  input: ClaimInput,
): Promise<{ readonly settled: Settled[]; readonly claim: Claim }> {
  const values = { rows: `[${toCompletionJson(settlement)}]`, count: 1 };
  const claimValues = toClaimValues({ ...input, limit: 1, asyncCommit: false });
  const rows = await fetchRows<SettledRow | ClaimedRow>(db, statement(db, { ...claimValues, ...values }));
  const settled: Settled[] = [];
  const claim: Claim = { jobs: [], isTruncated: false };
  for (const row of rows) {
    if ("settled_id" in row && row.settled_id !== null)
      settled.push({ id: Number(row.settled_id), claimToken: row.settled_token, state: row.settled_state });
    else claim.jobs.push(toClaimedJob(row as ClaimedRow, input));
  }
  return { settled, claim };
}

const statement = prepareStatement<ClaimValues & SettleValues>((db) => {
  const settled = buildSettle(db, "completions").returning({
    id: soniqJobs.id,
    claimToken: soniqJobs.claimToken,
    state: soniqJobs.state,
  });
  return sql`with settled as (${settled.getSQL()}), claimed as (${buildClaimOfOne(db).getSQL()})
    select settled.id as settled_id, settled.claim_token as settled_token, settled.state as settled_state, claimed.*
    from settled full join claimed on false`;
});

interface SettledRow {
  readonly settled_id: string | number;
  readonly settled_token: number;
  readonly settled_state: Settled["state"];
}
