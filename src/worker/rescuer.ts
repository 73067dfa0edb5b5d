import type { Queryable } from "../core/queryable.js";
import { statementTimeoutMs } from "../database/client.js";
import { type Rescued, rescueFromEnded, rescueOverdue, rescueStrays } from "../jobs/rescue.js";
import { findEndedSessions, forgetSessions } from "../sessions/expire.js";
import type { Duty } from "./duties.js";
import type { Tell } from "./events.js";
import type { Settings } from "./settings.js";

const batch = 500;
const fullLookMs = 300_000;
/** After the full look's time a session's row is deleted: by then it need not be remembered. */
const mostRemembered = 1_000;

/**
 * Takes the jobs of dead workers from them; now and then looks at all active jobs, for what that cannot find.
 *
 * @param endDead ends the sessions of the workers that are dead
 */
export function rescueDuties(
  db: Queryable,
  endDead: () => Promise<unknown>,
  { sweepMs, maxCrashes }: Settings,
  tell: Tell,
): Duty[] {
  const all = async (stop: AbortSignal, rescue: () => Promise<Rescued[]>) => {
    while (!stop.aborted) {
      const jobs = await rescue();
      if (jobs.length > 0) tell({ type: "rescued", jobs });
      if (jobs.length < batch) return;
    }
  };
  /** Ended sessions that hold nothing, for good. */
  let empty: string[] = [];
  return [
    {
      doing: "rescuing the jobs of dead workers",
      everyMs: sweepMs,
      async run(stop) {
        await endDead();
        const ended = await findEndedSessions(db, empty, 2 * statementTimeoutMs);
        const holders = ended.filter(({ holds }) => holds).map(({ id }) => id);
        if (holders.length > 0) await all(stop, () => rescueFromEnded(db, maxCrashes, batch, holders));
        const emptied = ended.filter(({ holds, final }) => final && !holds).map(({ id }) => id);
        empty = [...empty, ...emptied].slice(-mostRemembered);
      },
    },
    {
      doing: "looking for jobs that no worker holds any more",
      everyMs: fullLookMs,
      async run(stop) {
        await all(stop, () => rescueStrays(db, maxCrashes, batch));
        await all(stop, () => rescueOverdue(db, batch));
        await forgetSessions(db, fullLookMs);
      },
    },
  ];
}
