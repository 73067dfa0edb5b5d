/** Messages from a worker process. Times are from `clock.ts`. */
export type FromWorker =
  | { type: "ready" }
  /** How many handlers have begun since the last such message; when the first and the last handler of the process began. */
  | { type: "handled"; jobs: number; firstAt: number; lastAt: number }
  | ({ type: "measured" } & Measures);

export interface Measures {
  /** In bytes; `rss` before a garbage collection, `heapUsed` after it. */
  readonly rss: number;
  readonly heapUsed: number;
  /** CPU time since the process sent `ready`. */
  readonly cpuMs: number;
  /** Of the jobs since the last measure: from before the enqueue to the handler's first line. */
  readonly latenciesMs: readonly number[];
}

export type ToWorker = "measure" | "stop";
