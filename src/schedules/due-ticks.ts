import { generateTicksAfter } from "./timing.js";
import type { UpcomingSchedule } from "./find-upcoming.js";

/** The ticks of a schedule that are to fire, and the tick after them. */
export interface DueTicks {
  readonly dueMs: readonly number[];
  readonly nextMs: number;
  /** Whether missed ticks are skipped, or merged into a single job. */
  readonly hasMissed: boolean;
}

/**
 * A tick that is later than this was missed. Up to this delay it is merely late, for example because a worker restarts.
 */
const graceMs = 60_000;
/** One statement fires at most this many ticks. */
const maxTicks = 100;

/** Selects the ticks to fire, once a schedule's next tick is due. */
export function computeDueTicks(schedule: UpcomingSchedule): DueTicks {
  const { missed, nextMs, nowMs } = schedule;
  if (missed === "all" || nowMs - nextMs <= graceMs)
    return { ...collectDueTicks(schedule, nextMs - 1), hasMissed: false };
  if (missed === "skip") return { ...collectDueTicks(schedule, nowMs - graceMs), hasMissed: true };
  return { ...collectDueTicks(schedule, nowMs), dueMs: [findNewestDueTick(schedule)], hasMissed: true };
}

/**
 * Collects the due ticks after a time. The next tick itself counts even if the timing does not contain it: the timing
 * may have changed.
 */
function collectDueTicks(schedule: UpcomingSchedule, afterMs: number): Pick<DueTicks, "dueMs" | "nextMs"> {
  const { nextMs, nowMs } = schedule;
  const dueMs = afterMs < nextMs ? [nextMs] : [];
  const ticks = generateTicksAfter(schedule, nextMs, afterMs);
  let followingMs = ticks.next().value;
  for (; followingMs <= nowMs && dueMs.length < maxTicks; followingMs = ticks.next().value) dueMs.push(followingMs);
  return { dueMs, nextMs: followingMs };
}

/** Finds the newest due tick. Searches backwards from now, in steps of growing size: millions of ticks may be due. */
function findNewestDueTick(schedule: UpcomingSchedule): number {
  const { nextMs, nowMs } = schedule;
  for (let stepMs = graceMs; ; stepMs *= 10) {
    const fromMs = Math.max(nextMs, nowMs - stepMs);
    let newestMs = fromMs === nextMs ? nextMs : undefined;
    for (const tickMs of generateTicksAfter(schedule, nextMs, fromMs)) {
      if (tickMs > nowMs) break;
      newestMs = tickMs;
    }
    if (newestMs !== undefined) return newestMs;
  }
}
