import { classifyFailure } from "../../core/failure.js";
import { bisectFailures } from "../../core/bisect-failures.js";
import type { Queryable } from "../../core/queryable.js";
import { type DueTicks, computeDueTicks } from "../../schedules/due-ticks.js";
import { type FiredSchedule, fireTicks, type Firing } from "../../schedules/fire-ticks.js";
import type { StoredSchedule } from "../../schedules/stored-schedule.js";
import { findUpcoming, type UpcomingSchedule } from "../../schedules/find-upcoming.js";
import { reviewSchedules, syncSchedules } from "../../schedules/sync-schedules.js";
import { type PeriodicTask, pause } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Settings } from "../settings/settings.js";

/** One statement reads a page of schedules. If all of them are due, the next page is read at once. */
const pageSchedules = 500;
/** One statement fires a batch of schedules. A locked or faulty schedule holds up only its batch. */
const batchSchedules = 100;
/** The delay after a failed run: waiting for `pollInterval` might take an hour. */
const retryMs = 1_000;
/** A schedule that failed to fire is retried after this time, or when its definition changes. */
const setAsideMs = 30_000;

/**
 * Creates the tasks that fire the due ticks of all schedules, also of schedules that only other workers define, and that review which
 * definitions are in force.
 *
 * @param ownSchedules the schedules of this worker's code
 */
export function createScheduleTasks(
  db: Queryable,
  ownSchedules: readonly StoredSchedule[],
  { pollIntervalMs, rescueIntervalMs }: Settings,
  emit: WorkerEventListener,
): PeriodicTask[] {
  const firer = new ScheduleFirer(db, emit);
  return [
    {
      operation: "firing due schedules",
      everyMs: retryMs,
      async run(stop) {
        // Wakes up for each tick, and at each poll interval, since other processes resume and change schedules.
        while (!stop.aborted) {
          const nextAt = await firer.fireDue(stop);
          // If this worker defines no schedules, it may poll rarely: the workers that define some fire all of them in time.
          const isIdle = ownSchedules.length === 0 && nextAt === Infinity;
          // Rounds up, since the timer's millisecond may end before the database's.
          const waitMs = Math.ceil(Math.max(0, nextAt - performance.now())) + 1;
          await pause(Math.min(isIdle ? rescueIntervalMs : pollIntervalMs, waitMs), stop);
        }
      },
    },
    { operation: "reviewing the schedules", everyMs: rescueIntervalMs, run: () => reviewSchedules(db, ownSchedules) },
  ];
}

/**
 * Stores the schedules of a starting worker. Waits for the locks of other workers, which fire schedules or start at the same time.
 *
 * @param stop ends the wait, and the lock's error is thrown
 */
export async function startSchedules(
  db: Queryable,
  ownSchedules: readonly StoredSchedule[],
  stop: AbortSignal,
  emit: WorkerEventListener,
): Promise<void> {
  for (;;) {
    try {
      return await syncSchedules(db, ownSchedules);
    } catch (error) {
      if (classifyFailure(error) !== "lock" || stop.aborted) throw error;
      emit({ type: "error", operation: "storing the schedules", error });
      await pause(retryMs * (0.5 + Math.random() / 2), stop);
    }
  }
}

/** A firing, and the facts that decide which skipped ticks to report. */
interface PlannedFiring extends Firing, DueTicks {
  readonly schedule: UpcomingSchedule;
}

/** Fires due schedules. A schedule that fails is set aside for a while, so that it does not hold up the rest. */
class ScheduleFirer {
  /** The end of the wait, by name and definition. */
  readonly #setAside = new Map<string, number>();

  constructor(
    private readonly db: Queryable,
    private readonly emit: WorkerEventListener,
  ) {}

  /** @returns the time of the next tick, by `performance.now()` */
  async fireDue(stop: AbortSignal): Promise<number> {
    for (const [schedule, untilMs] of this.#setAside) if (untilMs <= performance.now()) this.#setAside.delete(schedule);
    let nextAt = Infinity;
    for (let after: UpcomingSchedule | undefined; ;) {
      const queriedAt = performance.now();
      const schedules = await findUpcoming(this.db, { limit: pageSchedules, after });
      const due = schedules.filter(({ nextMs, nowMs }) => nextMs <= nowMs);
      const nextSchedule = schedules[due.length];
      if (nextSchedule) nextAt = Math.min(nextAt, queriedAt + nextSchedule.nextMs - nextSchedule.nowMs);
      for (let from = 0; from < due.length && !stop.aborted; from += batchSchedules) {
        const firings = due.slice(from, from + batchSchedules).flatMap((schedule) => this.#plan(schedule));
        await this.#fire(firings);
        for (const { schedule, nextMs } of firings) nextAt = Math.min(nextAt, queriedAt + nextMs - schedule.nowMs);
      }
      if (due.length < pageSchedules || stop.aborted) return nextAt;
      after = due.at(-1);
    }
  }

  #plan(schedule: UpcomingSchedule): PlannedFiring[] {
    if (this.#setAside.has(toKey(schedule))) return [];
    try {
      return [{ schedule, ...computeDueTicks(schedule) }];
    } catch (error) {
      this.#reportFailure(schedule, error);
      this.#setScheduleAside(schedule);
      return [];
    }
  }

  async #fire(firings: readonly PlannedFiring[]): Promise<void> {
    if (firings.length === 0) return;
    const fired = await bisectFailures(
      firings,
      (part) => fireTicks(this.db, part),
      ({ schedule }, error) => {
        this.#reportFailure(schedule, error);
        // A locked schedule may be free at the next poll, so only a refused one is set aside.
        if (classifyFailure(error) === "row") this.#setScheduleAside(schedule);
      },
    );
    this.#emitSkippedTicks(firings, fired);
  }

  #reportFailure({ name }: UpcomingSchedule, error: unknown): void {
    this.emit({ type: "error", operation: `firing the schedule ${name}`, error });
  }

  #setScheduleAside(schedule: UpcomingSchedule): void {
    this.#setAside.set(toKey(schedule), performance.now() + setAsideMs);
  }

  #emitSkippedTicks(firings: readonly PlannedFiring[], fired: readonly FiredSchedule[]): void {
    const jobsOf = new Map(fired.map(({ name, jobs }) => [name, jobs]));
    for (const { schedule, dueMs, hasMissed } of firings) {
      const { name, nextMs, overlap } = schedule;
      const jobs = jobsOf.get(name);
      if (jobs === undefined) continue;
      const emitSkipped = (reason: "missed" | "overlap", tick: number) =>
        this.emit({ type: "tick-skipped", schedule: name, tick: new Date(tick), reason });
      const newest = dueMs.at(-1);
      if (hasMissed) emitSkipped("missed", nextMs);
      if (newest === undefined || jobs === dueMs.length) continue;
      // Late ticks that were merged into one job were not blocked by another job.
      const isOverlap = overlap === "allow" || jobs === 0;
      if (isOverlap || !hasMissed) emitSkipped(isOverlap ? "overlap" : "missed", newest);
    }
  }
}

function toKey({ name, definition }: UpcomingSchedule): string {
  return JSON.stringify([name, definition]);
}
