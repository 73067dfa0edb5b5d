import { inHalves } from "../core/in-halves.js";
import type { Queryable } from "../core/queryable.js";
import {
  deleteFinished,
  findPrunable,
  findPruneHorizon,
  pruneFromTheBeginning,
  type PruneInput,
  type PruneMark,
} from "../jobs/prune.js";
import type { Duty } from "./duties.js";
import type { Settings } from "./settings.js";

const batch = 1_000;
const everyMs = 30_000;
/** What was locked, or held by a foreign key or trigger that forbids its deletion, lies behind the mark: looked at again that often. */
const fullRoundMs = 3_600_000;

/** Deletes finished jobs that are past their retention: a duty for each state, so that one's trouble is not another's. */
export function pruneDuties(db: Queryable, { retentionMs }: Settings): Duty[] {
  return (["completed", "cancelled", "dead"] as const).map((state) => pruneDuty(db, state, retentionMs[state]));
}

function pruneDuty(db: Queryable, state: PruneInput["state"], retentionMs: number): Duty {
  let mark: PruneMark = pruneFromTheBeginning;
  let fullRoundAt = performance.now() + fullRoundMs;
  return {
    doing: `pruning ${state} jobs`,
    everyMs,
    async run(stop) {
      if (performance.now() > fullRoundAt) {
        mark = pruneFromTheBeginning;
        fullRoundAt = performance.now() + fullRoundMs;
      }
      const before = await findPruneHorizon(db, retentionMs);
      while (!stop.aborted) {
        const found = await findPrunable(db, { state, before, after: mark, limit: batch });
        const ids = found.map(({ id }) => id);
        // One row that cannot be deleted must not keep the rest of its batch.
        await inHalves(
          ids,
          (some) => deleteFinished(db, state, some),
          () => {},
        );
        // Up to the horizon all is looked at: jobs of other states lie there, too many to walk again.
        mark = found.length < batch ? { finishedAt: before, id: 0 } : (found.at(-1) as PruneMark);
        if (found.length < batch) return;
      }
    },
  };
}
