import { type Duration, parseDuration } from "../core/duration.js";
import { InvalidValueError, describeValue, checkObject } from "../core/errors.js";
import { parseText } from "../core/json.js";
import { isJobDefinition, type JobDefinition, checkJobDefinition } from "../jobs/definition/define-job.js";
import { checkOptions, type EnqueueOptions } from "../jobs/enqueue/new-job.js";
import { type ScheduleTiming, storeTiming } from "./timing.js";

/** What becomes of ticks at which no worker was there, or the last job had not finished. */
type CatchUp =
  | {
      /**
       * What becomes of ticks that are more than a minute late. `"once"` (the default): all that are overdue become one job,
       * that of the newest. `"skip"`: they are passed over. `"all"`: each is made up for; needs `overlap: "allow"`.
       */
      readonly missed?: "once" | "skip";
      /** `"skip"` (the default): no job while the last one has not finished. `"allow"`: one at each tick. */
      readonly overlap?: "skip" | "allow";
    }
  | { readonly missed: "all"; readonly overlap: "allow" };

/** How the jobs of a schedule are enqueued. */
type ScheduledJobOptions = Omit<EnqueueOptions, "runAt" | "delay" | "uniqueKey" | "meta">;

/** What a schedule is, beside its job. */
export type ScheduleSettings = {
  /** Names the schedule in the database: whatever else changes, under this name it goes on. */
  readonly name: string;
  /** For its jobs; each overrides the job definition's own. */
  readonly options?: ScheduledJobOptions;
  /** Whether it is paused when it is first seen; `resumeSchedule` lets it go. What was paused or resumed since stays so. */
  readonly paused?: boolean;
  /** Each tick's job is due up to so much later, at random. Default 0. */
  readonly jitter?: Duration;
} & ScheduleTiming &
  CatchUp;

/** A schedule definition, made by {@link defineSchedule}. */
export type ScheduleDefinition = ScheduleSettings & {
  /** What tells it from the definitions of jobs and events. */
  readonly kind: "schedule";
  readonly job: JobDefinition;
  readonly payload: unknown;
};

/**
 * Defines a schedule: at each of its ticks a job is enqueued, once, however many workers there are.
 *
 * @param schedule `job` and `payload` say what is enqueued; the payload is validated as a worker starts
 * @returns the definition, for the configuration's `schedules`
 * @throws InvalidValueError for what cannot work, such as a cron expression that has no ticks
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

/** Tells a definition from whatever else a configuration may hold. */
export function isScheduleDefinition(value: unknown): value is ScheduleDefinition {
  if (typeof value !== "object" || value === null || !("kind" in value && "job" in value)) return false;
  return value.kind === "schedule" && isJobDefinition(value.job);
}

/**
 * Checks all of a definition but its payload, which its validator may take a while for.
 *
 * @throws InvalidValueError naming the schedule, and what is wrong
 */
export function parseSchedule(schedule: ScheduleDefinition) {
  parseText(schedule.name, "name", 200);
  const { job, options = {}, missed = "once", overlap = "skip", jitter = 0 } = schedule;
  try {
    oneOf(["once", "skip", "all"], missed, "missed");
    oneOf(["skip", "allow"], overlap, "overlap");
    if (missed === "all" && overlap !== "allow")
      throw new InvalidValueError("missed", `is "all", which has several jobs at once: it needs overlap: "allow"`);
    if (job.unique?.onConflict === "reschedule")
      throw new InvalidValueError(
        "job",
        `is ${job.name}, which each enqueue reschedules: a tick has no other time to say`,
      );
    const jitterMs = parseDuration(jitter, "jitter");
    return { ...storeTiming(schedule), missed, overlap, jitterMs, job: checkOptions(job, options) };
  } catch (error) {
    throw ofSchedule(schedule, error);
  }
}

function oneOf(words: readonly string[], value: unknown, what: string): void {
  if (words.includes(value as string)) return;
  throw new InvalidValueError(
    what,
    `is ${describeValue(value)}: give ${words.map((word) => JSON.stringify(word)).join(" or ")}`,
  );
}

/** The same error, naming whose it is. */
export function ofSchedule({ name }: ScheduleDefinition, error: unknown): unknown {
  return error instanceof InvalidValueError ? error.of(`schedule ${name}`) : error;
}
