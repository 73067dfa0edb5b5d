import { type Duration, longestTimerMs, milliseconds } from "../core/duration.js";
import { SoniqError } from "../core/errors.js";
import type { WorkerConfig } from "./config.js";
import { pause } from "./duties.js";
import { Engine } from "./engine.js";
import type { Tell } from "./events.js";
import { checkConfig, type Settings } from "./settings.js";

/** Works the queues of a configuration in this process. */
export interface Worker {
  /**
   * Begins to work. After a failure, it may be called again. Where PostgreSQL has no connection free (53300), it waits for one,
   * until `stop`.
   *
   * @throws MigrationError if the job tables are missing or older than this version, or the driver's error if the database cannot be reached
   */
  start(): Promise<void>;
  /**
   * Works until no job of its queues is active and none becomes due within `wait` (default `"60s"`), or until
   * `maxDuration` has passed; then stops.
   */
  drain(options?: { readonly wait?: Duration; readonly maxDuration?: Duration }): Promise<void>;
  /**
   * Claims no more, lets running jobs finish for `timeout` (default: the configuration's `drainTimeout`), gives back the
   * rest, and closes its connections. Called again with a shorter timeout, that one counts.
   */
  stop(options?: { readonly timeout?: Duration }): Promise<void>;
}

/**
 * Creates a worker.
 *
 * @param onEvent is told of each settled job, and of what went wrong and will be tried again
 * @throws ConfigError for a configuration that cannot work
 */
export function createWorker(config: WorkerConfig, { onEvent = () => {} }: { readonly onEvent?: Tell } = {}): Worker {
  return workerOf(checkConfig(config), onEvent);
}

const drainLookMs = 250;

/** @see createWorker */
export function workerOf(settings: Settings, onEvent: Tell): Worker {
  const failed = (error: unknown) => console.error("soniq-drizzle: onEvent failed:", error);
  const tell: Tell = (event) => {
    try {
      const told: unknown = onEvent(event);
      // An async function fits, too: what it does wrong is not the worker's end.
      if (told instanceof Promise) told.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
  let engine: Engine | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  const giveUpStarting = new AbortController();

  async function start(): Promise<void> {
    const opened = new Engine(settings, tell);
    try {
      await opened.start(giveUpStarting.signal);
      engine = opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  const worker: Worker = {
    start() {
      if (stopping) throw new SoniqError("this worker has been stopped: create another one");
      starting ??= start().catch((error: unknown) => {
        starting = undefined;
        throw error;
      });
      return starting;
    },
    async drain({ wait = "60s", maxDuration } = {}) {
      const waitMs = milliseconds(wait, "wait");
      const until = maxDuration === undefined ? Infinity : performance.now() + milliseconds(maxDuration, "maxDuration");
      if (!stopping) await worker.start();
      while (!stopping && performance.now() < until && (await engine?.hasWork(waitMs))) await pause(drainLookMs, never);
      await worker.stop();
    },
    async stop({ timeout = settings.drainTimeoutMs } = {}) {
      const timeoutMs = Math.min(longestTimerMs, milliseconds(timeout, "timeout"));
      giveUpStarting.abort();
      await starting?.catch(() => {});
      if (!engine) return;
      setTimeout(() => engine?.giveBack(), timeoutMs).unref();
      await (stopping ??= engine.stop(timeoutMs));
    },
  };
  return worker;
}

const never = new AbortController().signal;
