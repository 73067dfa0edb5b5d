import { createHash } from "node:crypto";
import { newJob } from "../jobs/new-job.js";
import { checkSchedule, ofSchedule, type ScheduleDefinition } from "./define-schedule.js";
import type { StoredRhythm } from "./rhythm.js";

/** A checked definition, as it is stored. */
export interface StoredSchedule extends StoredRhythm {
  readonly name: string;
  readonly jobName: string;
  /** JSON texts. */
  readonly payload: string;
  readonly options: string;
  readonly missed: "once" | "skip" | "all";
  readonly overlap: "skip" | "allow";
  readonly jitterMs: number;
  readonly paused: boolean;
  /** The hash of all that, but for `paused`, which counts only once. */
  readonly definition: string;
}

/**
 * Checks a definition, payload included.
 *
 * @throws InvalidValueError naming the schedule, and what is wrong
 */
export async function storedSchedule(schedule: ScheduleDefinition): Promise<StoredSchedule> {
  const { job: jobOptions, ...checked } = checkSchedule(schedule);
  const { name, job, paused = false } = schedule;
  try {
    const { payload, uniqueKey, options } = await newJob(job, schedule.payload, jobOptions);
    const { queue, priority, maxAttempts, tags, uniqueUntil, withinMs } = options;
    const unique = uniqueKey !== null && { uniqueKey, uniqueUntil, withinMs };
    const kept = {
      ...checked,
      jobName: job.name,
      payload,
      options: JSON.stringify({ queue, priority, maxAttempts, tags: JSON.parse(tags) as unknown, ...unique }),
    };
    const definition = createHash("sha256").update(JSON.stringify(kept)).digest("hex");
    return { name, ...kept, paused, definition };
  } catch (error) {
    throw ofSchedule(schedule, error);
  }
}
