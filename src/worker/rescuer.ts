import type { Queryable } from "../core/queryable.js";
import { type Rescued, rescueFromEnded, rescueOverdue, rescueStrays } from "../jobs/rescue.js";
import { forgetSessions } from "../sessions/expire.js";
import type { Duty } from "./duties.js";
import type { Tell } from "./events.js";
import type { Settings } from "./settings.js";

const batch = 500;
const fullLookMs = 300_000;

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
  return [
    {
      doing: "rescuing the jobs of dead workers",
      everyMs: sweepMs,
      async run(stop) {
        await endDead();
        await all(stop, () => rescueFromEnded(db, maxCrashes, batch));
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
