import { pruneAudit } from "../audit/prune-audit.js";
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

/** Walked by one statement, and deleted by one. */
const page = 5_000;
const batch = 1_000;
const everyMs = 30_000;
/** What was locked, or held by a foreign key or trigger that forbids its deletion, lies behind the mark: looked at again that often. */
const fullRoundMs = 3_600_000;
const auditEveryMs = 3_600_000;

/** Jobs that are kept for the same time. */
interface PruneClass extends Pick<PruneInput, "state" | "names"> {
  readonly retentionMs: number;
}

/**
 * Deletes finished jobs that are past their retention: a duty for each state, and for each retention that definitions have
 * of their own, so that one's trouble is not another's.
 */
export function pruneDuties(db: Queryable, settings: Settings): Duty[] {
  const classes = (["completed", "cancelled", "dead"] as const).flatMap((state) => classesOf(state, settings));
  return [...classes.map((jobs) => pruneDuty(db, jobs)), auditDuty(db)];
}

/** Deletes what people did by the dashboard, once it is long ago. */
function auditDuty(db: Queryable): Duty {
  return {
    doing: "pruning the audit log",
    everyMs: auditEveryMs,
    async run(stop) {
      while (!stop.aborted && (await pruneAudit(db)) > 0);
    },
  };
}

function classesOf(state: PruneInput["state"], { retentionMs, runnables }: Settings): PruneClass[] {
  const own = new Map<number, string[]>();
  for (const [name, runnable] of runnables) {
    const keptMs = runnable.retentionMs[state];
    if (keptMs !== retentionMs[state]) own.set(keptMs, [...(own.get(keptMs) ?? []), name]);
  }
  if (own.size === 0) return [{ state, retentionMs: retentionMs[state] }];
  return [
    { state, retentionMs: retentionMs[state], names: { except: [...own.values()].flat() } },
    ...[...own].map(([keptMs, only]) => ({ state, retentionMs: keptMs, names: { only } })),
  ];
}

function pruneDuty(db: Queryable, { retentionMs, ...jobs }: PruneClass): Duty {
  const { state } = jobs;
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
        const { ids, next } = await findPrunable(db, { ...jobs, before, after: mark, limit: page });
        for (let from = 0; from < ids.length; from += batch) {
          // One row that cannot be deleted must not keep the rest of its batch.
          await inHalves(
            ids.slice(from, from + batch),
            (some) => deleteFinished(db, state, some),
            () => {},
          );
        }
        // Up to the horizon all is looked at: other jobs lie there that are kept longer, too many to walk again.
        mark = next ?? { finishedAt: before, id: 0 };
        if (!next) return;
      }
    },
  };
}
