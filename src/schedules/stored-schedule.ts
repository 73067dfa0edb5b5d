import { createHash } from "node:crypto";
import { inputTypes, type JobInput } from "../jobs/row/job-columns.js";
import { type JobOptions, newJob } from "../jobs/enqueue/new-job.js";
import { parseSchedule, ofSchedule, type ScheduleDefinition } from "./define-schedule.js";
import type { StoredTiming } from "./timing.js";

/** A checked definition, as it is stored. */
export interface StoredSchedule extends StoredTiming {
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
  const { job: jobOptions, ...checked } = parseSchedule(schedule);
  const { name, job, paused = false } = schedule;
  try {
    const { payload, uniqueKey, options } = await newJob(job, schedule.payload, jobOptions);
    const kept = { ...checked, jobName: job.name, payload, options: optionsJson({ ...options, uniqueKey }) };
    const definition = createHash("sha256").update(JSON.stringify(kept)).digest("hex");
    return { name, ...kept, paused, definition };
  } catch (error) {
    throw ofSchedule(schedule, error);
  }
}

/** What {@link scheduledJob} reads, but for what each tick says anew. */
function optionsJson(options: JobOptions): string {
  const names = (Object.keys(inputTypes) as JobInput[]).filter((name) => !ofTick.has(name));
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

const ofTick: ReadonlySet<JobInput> = new Set(["name", "payload", "meta", "runAtMs", "delayMs", "maxWaitMs"]);
