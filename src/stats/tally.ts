import type { Outcome } from "../jobs/settle/outcome.js";
import { Histogram } from "./histogram.js";
import type { StatCount } from "./record-stats.js";

/** The ends of attempts: an outcome that was written, `fenced`, or `rescued` from a dead worker. */
const endings = [
  "completed",
  "retried",
  "snoozed",
  "released",
  "parked",
  "unknown",
  "cancelled",
  "dead",
  "fenced",
  "rescued",
] as const satisfies readonly (Outcome["kind"] | "fenced" | "rescued")[];
export type AttemptEnding = (typeof endings)[number];

/** Stands for queues and job names that are not in the worker's configuration. */
const other = "other";

/** The counts of one job name in one queue. */
export class Series {
  readonly ended = Object.fromEntries(endings.map((ending) => [ending, 0])) as Record<AttemptEnding, number>;
  /** Durations of attempts, in milliseconds. */
  readonly run = new Histogram();
  /** Times from when jobs were due to their claim, in milliseconds. */
  readonly wait = new Histogram();
  /** The recorded part of each count, in the order of `#counts`. */
  readonly #recordedCounts: number[] = [];

  constructor(
    readonly queue: string,
    readonly name: string,
  ) {}

  listUnrecorded(): UnrecordedCount[] {
    const { queue, name } = this;
    return this.#counts().flatMap(([measure, bucket, total], index) => {
      const count = total - (this.#recordedCounts[index] ?? 0);
      const confirm = () => void (this.#recordedCounts[index] = total);
      return count > 0 ? [{ queue, name, measure, bucket, count, confirm }] : [];
    });
  }

  /** Returns all counts, always in the same order. */
  #counts(): [measure: string, bucket: number, count: number][] {
    const buckets = (measure: "run" | "wait") =>
      this[measure].counts.map((count, bucket): [string, number, number] => [measure, bucket, count]);
    return [
      ...endings.map((ending): [string, number, number] => [ending, 0, this.ended[ending]]),
      ...buckets("run"),
      ...buckets("wait"),
    ];
  }
}

/** The increase of a count since it was last recorded. */
interface UnrecordedCount extends StatCount {
  /** Call this after the increase is recorded. Until then, it is listed again, together with later increases. */
  readonly confirm: () => void;
}

/**
 * Counts the ends of attempts, by queue and job name. The worker's configuration limits the number of series: every unknown queue or
 * name is counted as `other`.
 */
export class Tally {
  readonly #byQueue: ReadonlyMap<string, Map<string, Series>>;

  /** @param names the job names that the worker knows */
  constructor(
    queues: readonly string[],
    private readonly names: { has(name: string): boolean },
  ) {
    this.#byQueue = new Map([...queues, other].map((queue) => [queue, new Map()]));
  }

  /** Returns the series that counts this queue and job name. */
  getSeries(queue: string, name: string): Series {
    return this.#byQueue.get(queue)?.get(name) ?? this.#addSeries(queue, name);
  }

  listSeries(): Series[] {
    return [...this.#byQueue.values()].flatMap((byName) => [...byName.values()]);
  }

  listUnrecorded(): UnrecordedCount[] {
    return this.listSeries().flatMap((series) => series.listUnrecorded());
  }

  #addSeries(rawQueue: string, rawName: string): Series {
    const queue = this.#byQueue.has(rawQueue) ? rawQueue : other;
    const name = this.names.has(rawName) ? rawName : other;
    const byName = this.#byQueue.get(queue) as Map<string, Series>;
    const series = byName.get(name) ?? new Series(queue, name);
    byName.set(name, series);
    return series;
  }
}
