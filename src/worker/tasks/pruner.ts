import { pruneAudit } from "../../audit/prune-audit.js";
import { SoniqError } from "../../core/errors.js";
import { bisectFailures } from "../../core/in-halves.js";
import type { Queryable } from "../../core/queryable.js";
import {
  deleteFinished,
  findPrunable,
  findPruneHorizon,
  findReferences,
  pruneFromTheBeginning,
  type PruneInput,
  type PrunePosition,
  type Reference,
} from "../../jobs/upkeep/prune.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Settings } from "../settings/settings.js";

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
export function pruneTasks(db: Queryable, settings: Settings, emit: WorkerEventListener): PeriodicTask[] {
  const tellOfKept = onceToldOfKept(emit);
  const classes = (["completed", "cancelled", "dead"] as const).flatMap((state) => classesOf(state, settings));
  return [...classes.map((jobs) => pruneTask(db, jobs, tellOfKept)), auditTask(db)];
}

/** Says once, for as long as the worker lives, that jobs stay which a foreign key holds. */
function onceToldOfKept(emit: WorkerEventListener): (state: string, references: readonly Reference[]) => void {
  let told = false;
  return (state, references) => {
    if (told) return;
    told = true;
    const columns = references.map(({ table, column }) => `${table}.${column}`).join(", ");
    const error = new SoniqError(
      `${state} jobs past their retention are kept, because ${columns} references them: delete those rows, or give the foreign key an action such as on delete cascade or on delete set null`,
    );
    emit({ type: "error", operation: `pruning ${state} jobs`, error });
  };
}

/** Deletes what people did by the dashboard, once it is long ago. */
function auditTask(db: Queryable): PeriodicTask {
  return {
    operation: "pruning the audit log",
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

function pruneTask(
  db: Queryable,
  { retentionMs, ...jobs }: PruneClass,
  tellOfKept: ReturnType<typeof onceToldOfKept>,
): PeriodicTask {
  const { state } = jobs;
  let position: PrunePosition = pruneFromTheBeginning;
  let fullRoundAt = performance.now() + fullRoundMs;
  return {
    operation: `pruning ${state} jobs`,
    everyMs,
    async run(stop) {
      if (performance.now() > fullRoundAt) {
        position = pruneFromTheBeginning;
        fullRoundAt = performance.now() + fullRoundMs;
      }
      const before = await findPruneHorizon(db, retentionMs);
      const references = await findReferences(db);
      while (!stop.aborted) {
        const { ids, kept, next } = await findPrunable(db, {
          ...jobs,
          before,
          references,
          after: position,
          limit: page,
        });
        if (kept > 0) tellOfKept(state, references);
        for (let from = 0; from < ids.length; from += batch) {
          // One row that cannot be deleted must not keep the rest of its batch.
          await bisectFailures(
            ids.slice(from, from + batch),
            (some) => deleteFinished(db, state, some),
            () => {},
          );
        }
        // Up to the horizon all is looked at: other jobs lie there that are kept longer, too many to walk again.
        position = next ?? { finishedAt: before, id: 0 };
        if (!next) return;
      }
    },
  };
}
