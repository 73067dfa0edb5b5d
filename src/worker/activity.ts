import { Histogram } from "../stats/histogram.js";
import type { AttemptEnding, Series } from "../stats/tally.js";
import type { Settings } from "./settings/settings.js";

/** What a worker does, and has done since it started, in numbers: for metrics. */
export interface Activity {
  /** How many jobs may run at once, in all its queues. */
  readonly slots: number;
  /** How many run. */
  readonly running: number;
  /** By queue and name of the job. */
  readonly attempts: readonly AttemptCounts[];
  /** How many jobs its claims brought, by queue; those that brought none are left out. */
  readonly claims: Readonly<Record<string, HistogramCounts>>;
  /** How many jobs its settles settled at once. */
  readonly settles: HistogramCounts;
  /** How often its session had ended, so that its jobs were taken from it. */
  readonly sessionsLost: number;
  /** How often it listened for wake-ups anew, after its connection had broken. */
  readonly relistens: number;
}

/** The attempts of one name's jobs in one queue. */
export interface AttemptCounts {
  /** `other` for jobs that it rescued from workers of queues that are not its own. */
  readonly queue: string;
  /** `other` for names that it does not know. */
  readonly name: string;
  /**
   * How many ended so: what became of the job, or `fenced`, or `rescued` from a worker that died. One that is rescued and not to be
   * tried again is `dead` or `cancelled`.
   */
  readonly ended: Readonly<Record<AttemptEnding, number>>;
  /** How long they took, in milliseconds. */
  readonly run: HistogramCounts;
  /** How long their jobs had been due when they were claimed, in milliseconds. */
  readonly wait: HistogramCounts;
}

/** Values counted by size. */
export interface HistogramCounts {
  /** How many were 1 at the most, then 2, 4, 8 … 2^22; the last one counts those that were more. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** What a worker that has started knows of itself. */
interface Known {
  readonly queues: readonly { readonly queue: string; readonly running: number; readonly claims: Histogram }[];
  readonly attempts: readonly Series[];
  readonly settles: Histogram | undefined;
  readonly sessionsLost: number;
  readonly relistens: number;
}

const nothing: Known = { queues: [], attempts: [], settles: undefined, sessionsLost: 0, relistens: 0 };

/** What there is to tell at this moment: copies, which do not change any more. */
export function activityOf(settings: Settings, known = nothing): Activity {
  const { queues, settles = new Histogram(), ...counts } = known;
  return structuredClone({
    slots: slotsOf(settings),
    running: queues.reduce((sum, { running }) => sum + running, 0),
    claims: Object.fromEntries(queues.map(({ queue, claims }) => [queue, claims])),
    settles,
    ...counts,
  });
}

/** How many jobs may run at once, in all queues. */
export function slotsOf({ queues }: Settings): number {
  return Object.values(queues).reduce((sum, concurrency) => sum + concurrency, 0);
}
