import { ticksAfter } from "./timing.js";
import type { UpcomingSchedule } from "./upcoming.js";

/** Ticks of a schedule that are to fire, and the one that comes after them. */
export interface DueTicks {
  readonly fire: readonly number[];
  readonly nextMs: number;
  /** Whether ticks were missed that are passed over, or made up for by a single job. */
  readonly missed: boolean;
}

/** A tick that is later than this was missed; until then it is merely late, as when a worker starts again. */
const graceMs = 60_000;
/** So many fire in one statement. */
const maxTicks = 100;

/** Which ticks of a schedule are to fire, now that its next one is due. */
export function dueTicks(schedule: UpcomingSchedule): DueTicks {
  const { missed, nextMs, nowMs } = schedule;
  if (missed === "all" || nowMs - nextMs <= graceMs) return { ...duePart(schedule, nextMs - 1), missed: false };
  if (missed === "skip") return { ...duePart(schedule, nowMs - graceMs), missed: true };
  return { ...duePart(schedule, nowMs), fire: [newestTick(schedule)], missed: true };
}

/** Those after a time. The next tick itself counts, whatever the rhythm says of it: that may have changed. */
function duePart(schedule: UpcomingSchedule, afterMs: number): Pick<DueTicks, "fire" | "nextMs"> {
  const { nextMs, nowMs } = schedule;
  const fire = afterMs < nextMs ? [nextMs] : [];
  const following = ticksAfter(schedule, nextMs, afterMs);
  let next = following.next().value;
  for (; next <= nowMs && fire.length < maxTicks; next = following.next().value) fire.push(next);
  return { fire, nextMs: next };
}

/** The last tick that is due. Sought from now backwards, in longer and longer steps: there may be millions. */
function newestTick(schedule: UpcomingSchedule): number {
  const { nextMs, nowMs } = schedule;
  for (let stepMs = graceMs; ; stepMs *= 10) {
    const fromMs = Math.max(nextMs, nowMs - stepMs);
    let newest = fromMs === nextMs ? nextMs : undefined;
    for (const tick of ticksAfter(schedule, nextMs, fromMs)) {
      if (tick > nowMs) break;
      newest = tick;
    }
    if (newest !== undefined) return newest;
  }
}
