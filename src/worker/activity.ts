import { Histogram } from "../stats/histogram.js";
import type { AttemptEnding, Series } from "../stats/tally.js";
import type { Settings } from "./settings/settings.js";

/** The current and past activity of a worker since its start, in numbers for metrics. */
export interface Activity {
  /** How many jobs may run at once, in all its queues. */
  readonly slots: number;
  /** How many jobs are running. */
  readonly running: number;
  /** By queue and job name. */
  readonly attempts: readonly AttemptCounts[];
  /** How many jobs each claim returned, by queue. Empty claims are not counted. */
  readonly claims: Readonly<Record<string, HistogramCounts>>;
  /** How many jobs each settle statement settled. */
  readonly settles: HistogramCounts;
  /** How often another process ended the worker's session and rescued its jobs. */
  readonly sessionsLost: number;
  /** How often the worker listened for wake-ups again after its connection had broken. */
  readonly relistens: number;
}

/** The attempts of all jobs with the same name in the same queue. */
export interface AttemptCounts {
  /** `other` for jobs that the worker rescued from queues that it does not work itself. */
  readonly queue: string;
  /** `other` for job names that the worker does not know. */
  readonly name: string;
  /**
   * How many attempts ended in each way: with an outcome of the job, `fenced`, or `rescued` from a dead worker. A rescued job that is
   * not retried counts as `dead` or `cancelled`.
   */
  readonly ended: Readonly<Record<AttemptEnding, number>>;
  /** How long the attempts took, in milliseconds. */
  readonly run: HistogramCounts;
  /** How long the jobs had been due when they were claimed, in milliseconds. */
  readonly wait: HistogramCounts;
}

/** Values counted by size. */
export interface HistogramCounts {
  /** How many values were at most 1, at most 2, at most 4, 8 … 2^22. The last number counts all larger values. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** The parts of a started worker from which its activity is read. */
interface ActivitySources {
  readonly queues: readonly { readonly queue: string; readonly running: number; readonly claims: Histogram }[];
  readonly attempts: readonly Series[];
  readonly settles: Histogram | undefined;
  readonly sessionsLost: number;
  readonly relistens: number;
}

const noSources: ActivitySources = { queues: [], attempts: [], settles: undefined, sessionsLost: 0, relistens: 0 };

/** Returns a snapshot of the activity: copies that do not change afterwards. */
export function readActivity(settings: Settings, sources = noSources): Activity {
  const { queues, settles = new Histogram(), ...counts } = sources;
  return structuredClone({
    slots: countSlots(settings),
    running: queues.reduce((sum, { running }) => sum + running, 0),
    claims: Object.fromEntries(queues.map(({ queue, claims }) => [queue, claims])),
    settles,
    ...counts,
  });
}

/** Counts the jobs that may run at once, in all queues. */
export function countSlots({ queues }: Settings): number {
  return Object.values(queues).reduce((sum, concurrency) => sum + concurrency, 0);
}
