/** What a worker process says. Times are those of `clock.ts`. */
export type FromWorker =
  | { type: "ready" }
  /** Handlers that began since the last time it said so; when its first one did, and its last. */
  | { type: "handled"; jobs: number; firstAt: number; lastAt: number }
  | ({ type: "measured" } & Measures);

export interface Measures {
  /** Bytes, before garbage is collected and after. */
  readonly rss: number;
  readonly heapUsed: number;
  /** What the process has used since it said that it is ready. */
  readonly cpuMs: number;
  /** Of the jobs since the last time: from before they were enqueued to their handler's first line. */
  readonly latenciesMs: readonly number[];
}

export type ToWorker = "measure" | "stop";
