import { splitIntoBatches } from "../../core/batches.js";
import type { Claim, ClaimInput } from "../../jobs/claim/claim.js";
import type { Settled, Settlement } from "../../jobs/settle/settlement.js";

/** Sends a claim's statement. */
export type SendClaim = (input: ClaimInput) => Promise<Claim>;

/** Claims the next job for the slot of a job that has ended, if the queue has one. It calls `send` at once or not at all. */
export type ClaimNext = (workerId: string, send: SendClaim) => void;

/** A settlement that is not written yet, and the callback that ends its wait. */
export interface PendingSettlement extends Settlement {
  readonly workerId: string;
  readonly name: string | undefined;
  /** Set where jobs are claimed one by one: the claim of the next job shares the settle's statement. */
  readonly claimNext: ClaimNext | undefined;
  readonly bytes: number;
  readonly finish: (end: SettleEnd) => void;
}

/** The job's state after the settle. Undefined: the claim had ended before. `left`: the job is not settled, and is left to be rescued. */
export type SettleEnd = Settled["state"] | "left" | undefined;

/** Returns the first settlement's session's settlements, in order, up to the limits of one statement. */
export function selectFirstBatch(all: readonly PendingSettlement[], maxRows: number): readonly PendingSettlement[] {
  const ofSession = all.filter(({ workerId }) => workerId === all[0]?.workerId);
  for (const batch of splitIntoBatches(ofSession, maxRows, ({ bytes }) => bytes)) return batch;
  return [];
}

/**
 * Returns the states of the settlements that were written. It compares claim tokens, because the batch may also contain a settlement of
 * an older claim of the same job.
 */
export function matchStates(
  batch: readonly PendingSettlement[],
  settled: readonly Settled[],
): Map<PendingSettlement, Settled["state"]> {
  const byId = new Map(settled.map((settlement) => [settlement.id, settlement]));
  const states = new Map<PendingSettlement, Settled["state"]>();
  for (const settlement of batch) {
    const match = byId.get(settlement.id);
    if (match?.claimToken === settlement.claimToken) states.set(settlement, match.state);
  }
  return states;
}

export function subtract<T>(all: readonly T[], removed: readonly T[]): T[] {
  const removedSet = new Set(removed);
  return all.filter((item) => !removedSet.has(item));
}
