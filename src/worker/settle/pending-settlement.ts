import { splitIntoBatches } from "../../core/batches.js";
import type { Settled, Settlement } from "../../jobs/settle/settle.js";

/** A settlement on its way, and who waits for it. */
export interface Pending extends Settlement {
  readonly workerId: string;
  readonly name: string | undefined;
  readonly bytes: number;
  readonly written: (end: SettleEnd) => void;
}

/** The state that the job was left in. Undefined: the claim had ended before. `left`: it is not settled, and left to be rescued. */
export type SettleEnd = Settled["state"] | "left" | undefined;

/** As many of one session, in order, as one statement takes. */
export function firstBatch(all: readonly Pending[], maxRows: number): readonly Pending[] {
  const own = all.filter(({ workerId }) => workerId === all[0]?.workerId);
  for (const batch of splitIntoBatches(own, maxRows, ({ bytes }) => bytes)) return batch;
  return [];
}

/** Those of a batch that were settled. By claim, since an older one of the same job, which did not stand, may be among them. */
export function statesOf(batch: readonly Pending[], settled: readonly Settled[]): Map<Pending, Settled["state"]> {
  const byId = new Map(settled.map((one) => [one.id, one]));
  const states = new Map<Pending, Settled["state"]>();
  for (const one of batch) {
    const found = byId.get(one.id);
    if (found?.claimToken === one.claimToken) states.set(one, found.state);
  }
  return states;
}

export function without<T>(all: readonly T[], some: readonly T[]): T[] {
  const left = new Set(some);
  return all.filter((one) => !left.has(one));
}
