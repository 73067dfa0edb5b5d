import type { Outcome } from "../jobs/settle/outcome.js";
import { Histogram } from "./histogram.js";
import type { StatCount } from "./record-stats.js";

/** How attempts end: with an outcome that is written down, fenced, or by a rescue from a worker that died. */
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

/** Stands for the queues and names that a worker does not know. */
const other = "other";

/** What is counted of the jobs of one name in one queue. */
export class Series {
  readonly ended = Object.fromEntries(endings.map((ending) => [ending, 0])) as Record<AttemptEnding, number>;
  /** Milliseconds. */
  readonly run = new Histogram();
  /** Milliseconds from when they were due to their claim. */
  readonly wait = new Histogram();
  /** Up to where each count has been recorded. */
  readonly #recorded: number[] = [];

  constructor(
    readonly queue: string,
    readonly name: string,
  ) {}

  unrecorded(): UnrecordedCount[] {
    const { queue, name } = this;
    return this.#counts().flatMap(([measure, bucket, now], place) => {
      const count = now - (this.#recorded[place] ?? 0);
      const recorded = () => void (this.#recorded[place] = now);
      return count > 0 ? [{ queue, name, measure, bucket, count, recorded }] : [];
    });
  }

  /** Always in the same order. */
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

/** What was counted since it was last recorded. */
interface UnrecordedCount extends StatCount {
  /** To be called when it is: until then, it is said again, with what has come since. */
  readonly recorded: () => void;
}

/**
 * Counts how attempts ended, by queue and name. It has as many series as the worker's configuration has queues and names: what
 * comes from elsewhere is `other`.
 */
export class Tally {
  readonly #byQueue: ReadonlyMap<string, Map<string, Series>>;

  /** @param names of the jobs that the worker knows */
  constructor(
    queues: readonly string[],
    private readonly names: { has(name: string): boolean },
  ) {
    this.#byQueue = new Map([...queues, other].map((queue) => [queue, new Map()]));
  }

  /** Where these are counted. */
  of(queue: string, name: string): Series {
    return this.#byQueue.get(queue)?.get(name) ?? this.#begin(queue, name);
  }

  all(): Series[] {
    return [...this.#byQueue.values()].flatMap((byName) => [...byName.values()]);
  }

  unrecorded(): UnrecordedCount[] {
    return this.all().flatMap((series) => series.unrecorded());
  }

  #begin(anyQueue: string, anyName: string): Series {
    const queue = this.#byQueue.has(anyQueue) ? anyQueue : other;
    const name = this.names.has(anyName) ? anyName : other;
    const byName = this.#byQueue.get(queue) as Map<string, Series>;
    const series = byName.get(name) ?? new Series(queue, name);
    byName.set(name, series);
    return series;
  }
}
