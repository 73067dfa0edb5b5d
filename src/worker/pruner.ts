import { errorCode } from "../core/errors.js";
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
/** What was locked, or referenced by a row that forbids its deletion, lies behind the mark: looked at again that often. */
const fullRoundMs = 3_600_000;
const foreignKeyViolation = "23503";

/** Deletes finished jobs that are past their retention. */
export function pruneDuty(db: Queryable, { retentionMs }: Settings): Duty {
  const marks = new Map<PruneInput["state"], PruneMark>();
  let fullRoundAt = performance.now() + fullRoundMs;
  return {
    doing: "pruning finished jobs",
    everyMs,
    async run() {
      if (performance.now() > fullRoundAt) {
        marks.clear();
        fullRoundAt = performance.now() + fullRoundMs;
      }
      for (const state of ["completed", "cancelled", "dead"] as const) {
        const before = await findPruneHorizon(db, retentionMs[state]);
        for (;;) {
          const after = marks.get(state) ?? pruneFromTheBeginning;
          const found = await findPrunable(db, { state, before, after, limit: batch });
          await deleteThose(db, state, found);
          // Up to the horizon all is looked at: jobs of other states lie there, too many to walk again.
          marks.set(state, found.length < batch ? { finishedAt: before, id: 0 } : (found.at(-1) as PruneMark));
          if (found.length < batch) break;
        }
      }
    },
  };
}

/** One row that another table holds on to must not keep the rest of its batch. */
async function deleteThose(db: Queryable, state: PruneInput["state"], found: readonly PruneMark[]): Promise<void> {
  if (found.length === 0) return;
  try {
    await deleteFinished(
      db,
      state,
      found.map(({ id }) => id),
    );
  } catch (error) {
    if (errorCode(error) !== foreignKeyViolation) throw error;
    if (found.length === 1) return;
    const half = Math.ceil(found.length / 2);
    await deleteThose(db, state, found.slice(0, half));
    await deleteThose(db, state, found.slice(half));
  }
}
