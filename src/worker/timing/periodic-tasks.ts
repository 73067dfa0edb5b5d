import { setMaxListeners } from "node:events";
import { maxTimerMs } from "../../core/duration.js";
import type { WorkerEventListener } from "../events/events.js";

/** A task that the worker runs at an interval until it stops. */
export interface PeriodicTask {
  /** Completes the words "failed while …". */
  readonly operation: string;
  readonly everyMs: number;
  /** @param stop aborted when the worker stops: a task that works in batches then ends after its current batch */
  run(stop: AbortSignal): Promise<void>;
}

/**
 * Runs each task at once and then at its interval. Each interval is shortened by up to a fifth at random, so that many workers do
 * not run their tasks in step.
 *
 * @returns a function that stops the tasks, and resolves when none is running any more
 */
export function runPeriodically(tasks: readonly PeriodicTask[], emit: WorkerEventListener): () => Promise<void> {
  const stop = new AbortController();
  // Each task listens to the signal, and Node warns of a leak from eleven listeners on.
  setMaxListeners(0, stop.signal);
  const loops = tasks.map((task) => runLoop(task, stop.signal, emit));
  return async () => {
    stop.abort();
    await Promise.all(loops);
  };
}

async function runLoop(
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

/** Resolves after the given time, or as soon as `stop` is aborted. */
export function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    const timer = setTimeout(finish, Math.min(maxTimerMs, ms));
    stop.addEventListener("abort", finish, { once: true });
    function finish() {
      clearTimeout(timer);
      stop.removeEventListener("abort", finish);
      resolve();
    }
  });
}

/** Resolves when the work is done, or after `ms` milliseconds. */
export async function awaitUpTo(ms: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, pause(ms, done.signal)]).finally(() => done.abort());
}
