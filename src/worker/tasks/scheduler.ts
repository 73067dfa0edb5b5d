import { classifyFailure } from "../../core/failure.js";
import { bisectFailures } from "../../core/in-halves.js";
import type { Queryable } from "../../core/queryable.js";
import { type DueTicks, dueTicks } from "../../schedules/due-ticks.js";
import { type Fired, fireTicks, type Firing } from "../../schedules/fire.js";
import type { StoredSchedule } from "../../schedules/stored-schedule.js";
import { findUpcoming, type UpcomingSchedule } from "../../schedules/upcoming.js";
import { reviewSchedules, syncSchedules } from "../../schedules/versions.js";
import { type PeriodicTask, pause } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Settings } from "../settings/settings.js";

/** So many schedules are read together; where all of them are due, the next ones are read at once. */
const page = 500;
/** So many fire in one statement: a lock on one of them, or a fault, concerns no more than these. */
const batch = 100;
/** What follows a look that failed: `poll` may be an hour. */
const rescanMs = 1_000;
/** A schedule that could not be fired is tried again after this time, or when its definition changes. */
const setAsideMs = 30_000;

/**
 * Fires the ticks of all schedules, those of other workers' code as well, and sees to which definitions are in force.
 *
 * @param own the schedules of this worker's code
 */
export function scheduleTasks(
  db: Queryable,
  own: readonly StoredSchedule[],
  { pollIntervalMs: pollMs, rescueIntervalMs: sweepMs }: Settings,
  emit: WorkerEventListener,
): PeriodicTask[] {
  const firing = new ScheduleFiring(db, emit);
  return [
    {
      operation: "looking for schedules that are due",
      everyMs: rescanMs,
      async run(stop) {
        // Wakes up for each tick, and every so often, since schedules are resumed and changed elsewhere.
        while (!stop.aborted) {
          const nextAt = await firing.fireDue(stop);
          // Those whose code defines some are quick enough for them all.
          const isIdle = own.length === 0 && nextAt === Infinity;
          // Rounded up, since a timer's millisecond may be over before the database's.
          const waitMs = Math.ceil(Math.max(0, nextAt - performance.now())) + 1;
          await pause(Math.min(isIdle ? sweepMs : pollMs, waitMs), stop);
        }
      },
    },
    { operation: "reviewing the schedules", everyMs: sweepMs, run: () => reviewSchedules(db, own) },
  ];
}

/**
 * Writes down the schedules of a worker that starts. Other workers fire, and start, meanwhile: what they have locked is waited for.
 *
 * @param stop ends the wait, with the error
 */
export async function startSchedules(
  db: Queryable,
  own: readonly StoredSchedule[],
  stop: AbortSignal,
  emit: WorkerEventListener,
): Promise<void> {
  for (;;) {
    try {
      return await syncSchedules(db, own);
    } catch (error) {
      if (classifyFailure(error) !== "lock" || stop.aborted) throw error;
      emit({ type: "error", operation: "writing down the schedules", error });
      await pause(rescanMs * (0.5 + Math.random() / 2), stop);
    }
  }
}

/** A firing, and what is said of it afterwards. */
interface PlannedFiring extends Firing, DueTicks {
  readonly schedule: UpcomingSchedule;
}

/** Fires what is due. A schedule that cannot be fired is set aside for a while, and the others do not wait for it. */
class ScheduleFiring {
  /** Until when, by name and definition. */
  readonly #setAside = new Map<string, number>();

  constructor(
    private readonly db: Queryable,
    private readonly emit: WorkerEventListener,
  ) {}

  /** @returns when the next tick is, by `performance.now()` */
  async fireDue(stop: AbortSignal): Promise<number> {
    for (const [schedule, untilMs] of this.#setAside) if (untilMs <= performance.now()) this.#setAside.delete(schedule);
    let nextAt = Infinity;
    for (let after: UpcomingSchedule | undefined; ;) {
      const askedAt = performance.now();
      const found = await findUpcoming(this.db, { limit: page, after });
      const due = found.filter(({ nextMs, nowMs }) => nextMs <= nowMs);
      const first = found[due.length];
      if (first) nextAt = Math.min(nextAt, askedAt + first.nextMs - first.nowMs);
      for (let from = 0; from < due.length && !stop.aborted; from += batch) {
        const planned = due.slice(from, from + batch).flatMap((schedule) => this.#plan(schedule));
        await this.#fire(planned);
        for (const { schedule, nextMs } of planned) nextAt = Math.min(nextAt, askedAt + nextMs - schedule.nowMs);
      }
      if (due.length < page || stop.aborted) return nextAt;
      after = due.at(-1);
    }
  }

  #plan(schedule: UpcomingSchedule): PlannedFiring[] {
    if (this.#setAside.has(keyOf(schedule))) return [];
    try {
      return [{ schedule, ...dueTicks(schedule) }];
    } catch (error) {
      this.#failed(schedule, error);
      this.#setAsideFor(schedule);
      return [];
    }
  }

  async #fire(planned: readonly PlannedFiring[]): Promise<void> {
    if (planned.length === 0) return;
    const fired = await bisectFailures(
      planned,
      (some) => fireTicks(this.db, some),
      ({ schedule }, error) => {
        this.#failed(schedule, error);
        // What somebody holds may be free at the next look.
        if (classifyFailure(error) === "row") this.#setAsideFor(schedule);
      },
    );
    this.#tellSkipped(planned, fired);
  }

  #failed({ name }: UpcomingSchedule, error: unknown): void {
    this.emit({ type: "error", operation: `firing the schedule ${name}`, error });
  }

  #setAsideFor(schedule: UpcomingSchedule): void {
    this.#setAside.set(keyOf(schedule), performance.now() + setAsideMs);
  }

  #tellSkipped(planned: readonly PlannedFiring[], fired: readonly Fired[]): void {
    const jobsOf = new Map(fired.map(({ name, jobs }) => [name, jobs]));
    for (const { schedule, fire, missed } of planned) {
      const { name, nextMs, overlap } = schedule;
      const jobs = jobsOf.get(name);
      if (jobs === undefined) continue;
      const skipped = (because: "missed" | "overlap", tick: number) =>
        this.emit({ type: "tick-skipped", schedule: name, tick: new Date(tick), reason: because });
      const newest = fire.at(-1);
      if (missed) skipped("missed", nextMs);
      if (newest === undefined || jobs === fire.length) continue;
      // Ticks that became one job because they were late had no job in their way.
      const isOverlap = overlap === "allow" || jobs === 0;
      if (isOverlap || !missed) skipped(isOverlap ? "overlap" : "missed", newest);
    }
  }
}

function keyOf({ name, definition }: UpcomingSchedule): string {
  return JSON.stringify([name, definition]);
}
