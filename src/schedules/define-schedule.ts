import { type Duration, parseDurationMs } from "../core/duration.js";
import { InvalidValueError, describeValue, checkObject } from "../core/errors.js";
import { parseText } from "../core/json.js";
import { isJobDefinition, type JobDefinition, checkJobDefinition } from "../jobs/definition/define-job.js";
import { parseOptions, type EnqueueOptions } from "../jobs/enqueue/new-job.js";
import { type ScheduleTiming, parseTiming } from "./timing.js";

/** The handling of ticks that no worker fired in time, or that come while the last job is unfinished. */
type CatchUp =
  | {
      /**
       * The handling of ticks that are more than a minute late. `"once"` (the default): the newest of them enqueues one
       * job. `"skip"`: they enqueue no job. `"all"`: each of them enqueues a job; needs `overlap: "allow"`.
       */
      readonly missed?: "once" | "skip";
      /**
       * `"skip"` (the default): a tick enqueues no job while the last job is unfinished. `"allow"`: each tick enqueues
       * a job.
       */
      readonly overlap?: "skip" | "allow";
    }
  | { readonly missed: "all"; readonly overlap: "allow" };

/** The enqueue options of a schedule's jobs. */
type ScheduledJobOptions = Omit<EnqueueOptions, "runAt" | "delay" | "uniqueKey" | "meta">;

/** The settings of a schedule, apart from its job. */
export type ScheduleSettings = {
  /**
   * Identifies the schedule in the database: under the same name, a schedule continues even if its other settings
   * change.
   */
  readonly name: string;
  /** Options for the schedule's jobs; each overrides that of the job definition. */
  readonly options?: ScheduledJobOptions;
  /** Whether a new schedule starts paused, until `resumeSchedule`. An existing schedule keeps its state. */
  readonly paused?: boolean;
  /** Delays each tick's job by a random time up to this duration. Default 0. */
  readonly jitter?: Duration;
} & ScheduleTiming &
  CatchUp;

/** A schedule definition, created by {@link defineSchedule}. */
export type ScheduleDefinition = ScheduleSettings & {
  /** Distinguishes this definition from the definitions of jobs and events. */
  readonly kind: "schedule";
  readonly job: JobDefinition;
  readonly payload: unknown;
};

/**
 * Defines a schedule. Each of its ticks enqueues one job, regardless of the number of workers.
 *
 * @param schedule `job` and `payload` define the job to enqueue; a worker validates the payload when it starts
 * @returns the definition, for the configuration's `schedules`
 * @throws InvalidValueError if a setting is invalid, such as a cron expression that has no ticks
 */
export function defineSchedule<Name extends string, In, Out, ResultIn, ResultOut>(
  schedule: ScheduleSettings & {
    readonly job: JobDefinition<Name, In, Out, ResultIn, ResultOut>;
    readonly payload: NoInfer<In>;
  },
): ScheduleDefinition {
  checkObject(schedule, "schedule", "give an object with a name, a job, and `cron` or `every`");
  checkJobDefinition(schedule.job);
  const definition = { ...schedule, kind: "schedule" as const };
  parseSchedule(definition);
  return Object.freeze(definition);
}

export function isScheduleDefinition(value: unknown): value is ScheduleDefinition {
  if (typeof value !== "object" || value === null || !("kind" in value && "job" in value)) return false;
  return value.kind === "schedule" && isJobDefinition(value.job);
}

/**
 * Parses a definition, except its payload, whose validator may take long.
 *
 * @throws InvalidValueError naming the schedule and the invalid setting
 */
export function parseSchedule(schedule: ScheduleDefinition) {
  parseText(schedule.name, "name", 200);
  const { job, options = {}, missed = "once", overlap = "skip", jitter = 0 } = schedule;
  try {
    checkOneOf(["once", "skip", "all"], missed, "missed");
    checkOneOf(["skip", "allow"], overlap, "overlap");
    if (missed === "all" && overlap !== "allow")
      throw new InvalidValueError("missed", `is "all", which runs several jobs at once: set overlap: "allow"`);
    if (job.unique?.onConflict === "reschedule")
      throw new InvalidValueError(
        "job",
        `is ${job.name}, whose unique.onConflict is "reschedule": a tick has no time to reschedule to, set another onConflict`,
      );
    const jitterMs = parseDurationMs(jitter, "jitter");
    return { ...parseTiming(schedule), missed, overlap, jitterMs, job: parseOptions(job, options) };
  } catch (error) {
    throw addScheduleName(schedule, error);
  }
}

function checkOneOf(allowed: readonly string[], value: unknown, path: string): void {
  if (allowed.includes(value as string)) return;
  throw new InvalidValueError(
    path,
    `is ${describeValue(value)}: give ${allowed.map((word) => JSON.stringify(word)).join(" or ")}`,
  );
}

/** Adds the schedule's name to an InvalidValueError. */
export function addScheduleName({ name }: ScheduleDefinition, error: unknown): unknown {
  return error instanceof InvalidValueError ? error.of(`schedule ${name}`) : error;
}
