import { createHash } from "node:crypto";
import { inputTypes, type JobInput } from "../jobs/row/job-columns.js";
import { type JobOptions, createNewJob } from "../jobs/enqueue/new-job.js";
import { parseSchedule, addScheduleName, type ScheduleDefinition } from "./define-schedule.js";
import type { StoredTiming } from "./timing.js";

/** A validated definition, as stored. */
export interface StoredSchedule extends StoredTiming {
  readonly name: string;
  readonly jobName: string;
  /** `payload` and `options` are JSON texts. */
  readonly payload: string;
  readonly options: string;
  readonly missed: "once" | "skip" | "all";
  readonly overlap: "skip" | "allow";
  readonly jitterMs: number;
  readonly paused: boolean;
  /** The hash of the fields above except `name` and `paused`, which counts only for a new schedule. */
  readonly definition: string;
}

/**
 * Validates a definition, including its payload, and converts it to its stored form.
 *
 * @throws InvalidValueError naming the schedule and the invalid setting
 */
export async function toStoredSchedule(schedule: ScheduleDefinition): Promise<StoredSchedule> {
  const { job: jobOptions, ...settings } = parseSchedule(schedule);
  const { name, job, paused = false } = schedule;
  try {
    const { payload, uniqueKey, options } = await createNewJob(job, schedule.payload, jobOptions);
    const fields = { ...settings, jobName: job.name, payload, options: toOptionsJson({ ...options, uniqueKey }) };
    const definition = createHash("sha256").update(JSON.stringify(fields)).digest("hex");
    return { name, ...fields, paused, definition };
  } catch (error) {
    throw addScheduleName(schedule, error);
  }
}

/** Serializes the options that {@link insertScheduledJobs} reads, except those that each tick sets. */
function toOptionsJson(options: JobOptions): string {
  const names = (Object.keys(inputTypes) as JobInput[]).filter((name) => !perTickInputs.has(name));
  const entries = names.map((name) => [name, (options as Partial<Record<JobInput, unknown>>)[name]] as const);
  return JSON.stringify(
    Object.fromEntries(
      entries.map(([name, value]) => [
        name,
        inputTypes[name] === "jsonb" ? (JSON.parse(value as string) as unknown) : value,
      ]),
    ),
  );
}

const perTickInputs: ReadonlySet<JobInput> = new Set(["name", "payload", "meta", "runAtMs", "delayMs", "maxWaitMs"]);
