import { setMaxListeners } from "node:events";
import { maxTimerMs } from "../../core/duration.js";
import type { WorkerEventListener } from "../events/events.js";

/** Something to be done every so often, for as long as the worker lives. */
export interface PeriodicTask {
  /** In the words that complete "failed while …". */
  readonly operation: string;
  readonly everyMs: number;
  /** @param stop aborted when the worker stops: what goes in batches ends with the one at hand */
  run(stop: AbortSignal): Promise<void>;
}

/**
 * Runs each duty at once and then every so often, up to a fifth earlier at random, so that many workers do not act in step.
 *
 * @returns a function that ends it, and resolves when no duty is running any more
 */
export function runPeriodically(tasks: readonly PeriodicTask[], emit: WorkerEventListener): () => Promise<void> {
  const stop = new AbortController();
  // Each of them waits for it, and Node takes more than ten listeners for a leak.
  setMaxListeners(0, stop.signal);
  const loops = tasks.map((task) => loop(task, stop.signal, emit));
  return async () => {
    stop.abort();
    await Promise.all(loops);
  };
}

async function loop(
  { operation, everyMs, run }: PeriodicTask,
  stop: AbortSignal,
  emit: WorkerEventListener,
): Promise<void> {
  while (!stop.aborted) {
    try {
      await run(stop);
    } catch (error) {
      emit({ type: "error", operation, error });
    }
    await pause(everyMs * (0.8 + Math.random() / 5), stop);
  }
}

/** Resolves after a time, or when stopped. */
export function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (stop.aborted) return done();
    const timer = setTimeout(end, Math.min(maxTimerMs, ms));
    stop.addEventListener("abort", end, { once: true });
    function end() {
      clearTimeout(timer);
      stop.removeEventListener("abort", end);
      done();
    }
  });
}

/** Resolves when the work is done, or when it has taken too long. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, pause(ms, done.signal)]).finally(() => done.abort());
}
