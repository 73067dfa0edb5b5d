import { pruneAudit } from "../../audit/prune-audit.js";
import { SoniqError } from "../../core/errors.js";
import { bisectFailures } from "../../core/bisect-failures.js";
import type { Queryable } from "../../core/queryable.js";
import {
  deleteFinished,
  findPrunable,
  findPruneHorizon,
  findReferences,
  pruneStart,
  type PruneInput,
  type PrunePosition,
  type Reference,
} from "../../jobs/upkeep/prune.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Settings } from "../settings/settings.js";

/** One statement scans a page, and one statement deletes a batch. */
const pageJobs = 5_000;
const batchJobs = 1_000;
const everyMs = 30_000;
/** Jobs that were locked, or that a foreign key or trigger protects, lie behind the prune position. A full scan tries them again. */
const rescanIntervalMs = 3_600_000;
const auditEveryMs = 3_600_000;

/** Jobs with the same retention. */
interface PruneClass extends Pick<PruneInput, "state" | "names"> {
  readonly retentionMs: number;
}

/**
 * Creates the tasks that delete finished jobs after their retention: one for each state, and one more for each retention that job
 * definitions set. A failing task does not hold up the rest.
 */
export function createPruneTasks(db: Queryable, settings: Settings, emit: WorkerEventListener): PeriodicTask[] {
  const reportKept = createKeptReporter(emit);
  const classes = (["completed", "cancelled", "dead"] as const).flatMap((state) => toPruneClasses(state, settings));
  return [...classes.map((jobs) => createPruneTask(db, jobs, reportKept)), createAuditTask(db)];
}

/** Creates a function that reports, once per worker, that a foreign key keeps jobs from being deleted. */
function createKeptReporter(emit: WorkerEventListener): (state: string, references: readonly Reference[]) => void {
  let isReported = false;
  return (state, references) => {
    if (isReported) return;
    isReported = true;
    const columns = references.map(({ table, column }) => `${table}.${column}`).join(", ");
    const error = new SoniqError(
      `${state} jobs past their retention are kept, because ${columns} references them: delete those rows, or give the foreign key an action such as on delete cascade or on delete set null`,
    );
    emit({ type: "error", operation: `pruning ${state} jobs`, error });
  };
}

/** Creates the task that deletes old audit entries of the dashboard. */
function createAuditTask(db: Queryable): PeriodicTask {
  return {
    operation: "pruning the audit log",
    everyMs: auditEveryMs,
    async run(stop) {
      while (!stop.aborted && (await pruneAudit(db)) > 0);
    },
  };
}

function toPruneClasses(state: PruneInput["state"], { retentionMs, runnables }: Settings): PruneClass[] {
  const namesByRetentionMs = new Map<number, string[]>();
  for (const [name, runnable] of runnables) {
    const ownRetentionMs = runnable.retentionMs[state];
    if (ownRetentionMs !== retentionMs[state])
      namesByRetentionMs.set(ownRetentionMs, [...(namesByRetentionMs.get(ownRetentionMs) ?? []), name]);
  }
  if (namesByRetentionMs.size === 0) return [{ state, retentionMs: retentionMs[state] }];
  return [
    { state, retentionMs: retentionMs[state], names: { except: [...namesByRetentionMs.values()].flat() } },
    ...[...namesByRetentionMs].map(([ownRetentionMs, only]) => ({
      state,
      retentionMs: ownRetentionMs,
      names: { only },
    })),
  ];
}

/** Deletes jobs in batches. A row that cannot be deleted does not protect the rest of its batch. */
async function deleteInBatches(db: Queryable, state: PruneInput["state"], ids: readonly number[]): Promise<void> {
  for (let from = 0; from < ids.length; from += batchJobs) {
    await bisectFailures(
      ids.slice(from, from + batchJobs),
      (part) => deleteFinished(db, state, part),
      () => {},
    );
  }
}

function createPruneTask(
  db: Queryable,
  { retentionMs, ...jobs }: PruneClass,
  reportKept: ReturnType<typeof createKeptReporter>,
): PeriodicTask {
  const { state } = jobs;
  let position: PrunePosition = pruneStart;
  let rescanAt = performance.now() + rescanIntervalMs;
  return {
    operation: `pruning ${state} jobs`,
    everyMs,
    async run(stop) {
      if (performance.now() > rescanAt) {
        position = pruneStart;
        rescanAt = performance.now() + rescanIntervalMs;
      }
      const before = await findPruneHorizon(db, retentionMs);
      const references = await findReferences(db);
      while (!stop.aborted) {
        const { ids, kept, next } = await findPrunable(db, {
          ...jobs,
          before,
          references,
          after: position,
          limit: pageJobs,
        });
        if (kept > 0) reportKept(state, references);
        await deleteInBatches(db, state, ids);
        // Everything up to the horizon is scanned. Jobs with a longer retention lie there, too, and are too many to scan each time.
        position = next ?? { finishedAt: before, id: 0 };
        if (!next) return;
      }
    },
  };
}
