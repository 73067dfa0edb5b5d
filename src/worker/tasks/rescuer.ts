import type { Queryable } from "../../core/queryable.js";
import { statementTimeoutMs } from "../../database/client.js";
import { cancelExpired } from "../../jobs/upkeep/cancel-expired.js";
import {
  type Rescued,
  rescueFromEnded,
  type RescueOptions,
  rescueOverdue,
  rescueStrays,
} from "../../jobs/upkeep/rescue.js";
import { findEndedSessions, forgetSessions } from "../../sessions/expire.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import { RefusedRows } from "../settle/refused-rows.js";
import type { Settings } from "../settings/settings.js";

const batch = 500;
const fullScanMs = 300_000;
/** After the full look's time a session's row is deleted: by then it need not be remembered. */
const maxRemembered = 1_000;

/**
 * Takes the jobs of dead workers from them; now and then looks at all active jobs, for what that cannot find.
 *
 * @param endDead ends the sessions of the workers that are dead
 */
export function rescueTasks(
  db: Queryable,
  endDead: () => Promise<unknown>,
  { rescueIntervalMs: sweepMs, maxCrashes }: Settings,
  emit: WorkerEventListener,
): PeriodicTask[] {
  /** Changes all jobs that are to be changed, in batches, each but those that PostgreSQL refuses to change. */
  const all = async <J>(
    stop: AbortSignal,
    refusedRows: RefusedRows,
    change: (options: RescueOptions) => Promise<J[]>,
    onChanged: (jobs: readonly J[]) => void = () => {},
  ) => {
    // Tried again with the others: where it is refused again, these are rescued all the same.
    const due = new Set(refusedRows.takeDue());
    const leftOut = () => refusedRows.ids.filter((id) => !due.has(id));
    while (!stop.aborted) {
      let refusals = 0;
      const refused = (id: number, error: unknown) => {
        refusals += 1;
        due.delete(id);
        refusedRows.add(id, error);
      };
      const jobs = await change({ limit: batch, except: leftOut(), refused });
      if (jobs.length > 0) {
        onChanged(jobs);
        refusedRows.acceptedSome();
      }
      // Whatever was due and not refused is rescued, or gone. Rows that somebody has locked are left to the next time.
      if (jobs.length === 0 && refusals === 0) return refusedRows.delete([...due]);
    }
  };
  const rescued = (jobs: readonly Rescued[]) => emit({ type: "rescued", jobs });
  const refusedBy = () => new RefusedRows((id) => `rescuing job ${id}`, emit);
  const refusedAsExpired = new RefusedRows((id) => `cancelling job ${id}, which has expired`, emit);
  const [refusedAsDead, refusedAsStray, refusedAsOverdue] = [refusedBy(), refusedBy(), refusedBy()];
  /** Ended sessions that hold nothing, for good. */
  let empty: string[] = [];
  return [
    {
      operation: "rescuing the jobs of dead workers",
      everyMs: sweepMs,
      async run(stop) {
        await endDead();
        const ended = await findEndedSessions(db, empty, 2 * statementTimeoutMs);
        const holders = ended.filter(({ holds }) => holds).map(({ id }) => id);
        if (holders.length > 0)
          await all(stop, refusedAsDead, (options) => rescueFromEnded(db, maxCrashes, options, holders), rescued);
        const emptied = ended.filter(({ holds, final }) => final && !holds).map(({ id }) => id);
        empty = [...empty, ...emptied].slice(-maxRemembered);
      },
    },
    {
      operation: "cancelling expired jobs",
      everyMs: sweepMs,
      run: (stop) => all(stop, refusedAsExpired, (options) => cancelExpired(db, options)),
    },
    {
      operation: "looking for jobs that no worker holds any more",
      everyMs: fullScanMs,
      async run(stop) {
        await all(stop, refusedAsStray, (options) => rescueStrays(db, maxCrashes, options), rescued);
        await all(stop, refusedAsOverdue, (options) => rescueOverdue(db, options), rescued);
        await forgetSessions(db, fullScanMs);
      },
    },
  ];
}
