import type { Queryable } from "../../core/queryable.js";
import { statementTimeoutMs } from "../../database/client.js";
import { cancelExpired } from "../../jobs/upkeep/cancel-expired.js";
import {
  type Rescued,
  rescueFromEnded,
  type RescueOptions,
  rescueOverdue,
  rescueOrphaned,
} from "../../jobs/upkeep/rescue.js";
import { findEndedSessions, deleteEndedSessions } from "../../sessions/end-sessions.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import { RefusedRows } from "../settle/refused-rows.js";
import type { Settings } from "../settings/settings.js";

const batchJobs = 500;
const fullScanMs = 300_000;
/** Rows of ended sessions are deleted with each full scan, so the task remembers no more of them than this. */
const maxRememberedSessions = 1_000;

/**
 * Creates the tasks that rescue the jobs of dead workers and cancel expired jobs. A full scan of all active jobs finds the orphaned
 * and overdue ones, which the search by session misses.
 *
 * @param endDeadSessions ends the sessions of the workers that are dead
 */
export function createRescueTasks(
  db: Queryable,
  endDeadSessions: () => Promise<unknown>,
  settings: Settings,
  emit: WorkerEventListener,
): PeriodicTask[] {
  const { rescueIntervalMs, maxCrashes } = settings;
  const emitRescued = (jobs: readonly Rescued[]) => emit({ type: "rescued", jobs });
  const refusedExpired = new RefusedRows((id) => `cancelling job ${id}, which has expired`, emit);
  const refusedOrphaned = createRefusedRows(emit);
  const refusedOverdue = createRefusedRows(emit);
  return [
    createDeadWorkerTask(db, endDeadSessions, settings, emit),
    {
      operation: "cancelling expired jobs",
      everyMs: rescueIntervalMs,
      run: (stop) => changeAll(stop, refusedExpired, (options) => cancelExpired(db, options)),
    },
    {
      operation: "rescuing orphaned and overdue jobs",
      everyMs: fullScanMs,
      async run(stop) {
        await changeAll(stop, refusedOrphaned, (options) => rescueOrphaned(db, maxCrashes, options), emitRescued);
        await changeAll(stop, refusedOverdue, (options) => rescueOverdue(db, options), emitRescued);
        await deleteEndedSessions(db, fullScanMs);
      },
    },
  ];
}

function createDeadWorkerTask(
  db: Queryable,
  endDeadSessions: () => Promise<unknown>,
  { rescueIntervalMs, maxCrashes }: Settings,
  emit: WorkerEventListener,
): PeriodicTask {
  const refusedRows = createRefusedRows(emit);
  /** Ended sessions that hold no jobs, and can never hold any again. */
  let emptySessions: string[] = [];
  return {
    operation: "rescuing the jobs of dead workers",
    everyMs: rescueIntervalMs,
    async run(stop) {
      await endDeadSessions();
      const ended = await findEndedSessions(db, emptySessions, 2 * statementTimeoutMs);
      const holders = ended.filter(({ holdsJobs }) => holdsJobs).map(({ id }) => id);
      if (holders.length > 0)
        await changeAll(
          stop,
          refusedRows,
          (options) => rescueFromEnded(db, maxCrashes, options, holders),
          (jobs) => emit({ type: "rescued", jobs }),
        );
      const newlyEmpty = ended.filter(({ holdsJobs, isFinal }) => isFinal && !holdsJobs).map(({ id }) => id);
      emptySessions = [...emptySessions, ...newlyEmpty].slice(-maxRememberedSessions);
    },
  };
}

function createRefusedRows(emit: WorkerEventListener): RefusedRows {
  return new RefusedRows((id) => `rescuing job ${id}`, emit);
}

/** Changes jobs in batches, until only jobs are left that PostgreSQL refuses to change. */
async function changeAll<J>(
  stop: AbortSignal,
  refusedRows: RefusedRows,
  change: (options: RescueOptions) => Promise<J[]>,
  onChanged: (jobs: readonly J[]) => void = () => {},
): Promise<void> {
  // The retried jobs share a statement with the rest. If PostgreSQL refuses them again, the rest are still changed.
  const retryIds = new Set(refusedRows.takeDue());
  const listExcluded = () => refusedRows.ids.filter((id) => !retryIds.has(id));
  while (!stop.aborted) {
    let refusals = 0;
    const onRefused = (id: number, error: unknown) => {
      refusals += 1;
      retryIds.delete(id);
      refusedRows.add(id, error);
    };
    const jobs = await change({ limit: batchJobs, except: listExcluded(), onRefused });
    if (jobs.length > 0) {
      onChanged(jobs);
      refusedRows.retrySuspects();
    }
    // The retried jobs that were not refused again are changed or deleted by now. Locked rows are left to the next run.
    if (jobs.length === 0 && refusals === 0) return refusedRows.delete([...retryIds]);
  }
}
