import type { Queryable } from "../core/queryable.js";
import { dueTicks } from "../schedules/due-ticks.js";
import { fire } from "../schedules/fire.js";
import type { StoredSchedule } from "../schedules/stored-schedule.js";
import { findUpcoming, type UpcomingSchedule } from "../schedules/upcoming.js";
import { reviewSchedules } from "../schedules/versions.js";
import { type Duty, pause } from "./duties.js";
import type { Tell } from "./events.js";
import type { Settings } from "./settings.js";

/** So many schedules are looked at together; the others' turn comes when these have ticked. */
const batch = 100;

/**
 * Fires the ticks of all schedules, those of other workers' code as well, and sees to which definitions are in force.
 *
 * @param own the schedules of this worker's code
 */
export function scheduleDuties(
  db: Queryable,
  own: readonly StoredSchedule[],
  { pollMs, sweepMs }: Settings,
  tell: Tell,
): Duty[] {
  return [
    {
      doing: "looking for schedules that are due",
      everyMs: pollMs,
      async run(stop) {
        // Wakes up for each tick, and every so often, since schedules are resumed and changed elsewhere.
        while (!stop.aborted) {
          const waitMs = await fireDue(db, stop, tell);
          // Those whose code defines some are quick enough for them all.
          const isIdle = own.length === 0 && waitMs === Infinity;
          await pause(Math.min(isIdle ? sweepMs : pollMs, waitMs), stop);
        }
      },
    },
    { doing: "reviewing the schedules", everyMs: sweepMs, run: () => reviewSchedules(db, own) },
  ];
}

/** @returns milliseconds until the next tick */
async function fireDue(db: Queryable, stop: AbortSignal, tell: Tell): Promise<number> {
  const askedAt = performance.now();
  let waitMs = Infinity;
  for (const schedule of await findUpcoming(db, batch)) {
    if (stop.aborted) break;
    const { nextMs, nowMs } = schedule;
    waitMs = Math.min(waitMs, (nextMs <= nowMs ? await fireTicks(db, schedule, tell) : nextMs) - nowMs);
  }
  // Rounded up, since a timer's millisecond may be over before the database's.
  return Math.ceil(waitMs - (performance.now() - askedAt)) + 1;
}

/** @returns the tick that comes next; none if that cannot be told */
async function fireTicks(db: Queryable, schedule: UpcomingSchedule, tell: Tell): Promise<number> {
  const { name } = schedule;
  try {
    const due = dueTicks(schedule);
    const jobs = await fire(db, schedule, due);
    const skipped = (because: "missed" | "overlap", tick: number) =>
      tell({ type: "tick skipped", schedule: name, tick: new Date(tick), because });
    if (jobs !== undefined && due.missed) skipped("missed", schedule.nextMs);
    if (jobs !== undefined && jobs < due.fire.length) skipped("overlap", due.fire.at(-1) as number);
    return due.nextMs;
  } catch (error) {
    // One that cannot be fired must not keep the others.
    tell({ type: "trouble", doing: `firing the schedule ${name}`, error });
    return Infinity;
  }
}
