import { type Duration, longestTimerMs, milliseconds } from "../core/duration.js";
import { SoniqError } from "../core/errors.js";
import { storedSchedule } from "../schedules/stored-schedule.js";
import { type Activity, activityOf } from "./activity.js";
import type { WorkerConfig } from "./config.js";
import { openConnections } from "./connections.js";
import { pause } from "./duties.js";
import { Engine } from "./engine.js";
import { eventLog } from "./event-log.js";
import type { Tell } from "./events.js";
import { type Health, healthOf } from "./health.js";
import { checkConfig, type Settings } from "./settings.js";
import { tellAll } from "./tell-all.js";

/** Works the queues of a configuration in this process. */
export interface Worker {
  /**
   * Begins to work. After a failure, it may be called again. Where PostgreSQL has no connection free (53300), it waits for one,
   * until `stop`.
   *
   * @throws InvalidValueError if the payload of a schedule is not valid; MigrationError if the job tables are missing or older than this version, or the driver's error if the database cannot be reached
   */
  start(): Promise<void>;
  /**
   * Works until no job of its queues is active and none becomes due within `wait` (default `"60s"`), or until
   * `maxDuration` has passed; then stops.
   *
   * @returns whether nothing was left; false if it was cut short, by `maxDuration` or by `stop`
   */
  drain(options?: { readonly wait?: Duration; readonly maxDuration?: Duration }): Promise<boolean>;
  /**
   * Claims no more, lets running jobs finish for `timeout` (default: the configuration's `drainTimeout`), gives back the
   * rest, and closes its connections. Called again with a shorter timeout, that one counts.
   */
  stop(options?: { readonly timeout?: Duration }): Promise<void>;
  /** How it is at this moment, from what it knows: asks nobody, and may be called at any time. */
  health(): Health;
  /** What it does and has done since it started, in numbers: asks nobody, and may be called at any time. */
  activity(): Activity;
}

/** A worker whose process is its own, and ends with it. */
export interface ProcessWorker extends Worker {
  /**
   * Stops at once after an error that nothing caught: claims no more, aborts what runs, gives back what has not started,
   * and leaves the rest to be run by others, counted as crashes since one of them may be the cause. Costs no attempt.
   */
  crash(): Promise<void>;
}

/**
 * Creates a worker.
 *
 * @param onEvent is told what the configuration's own `onEvent` is told
 * @throws ConfigError for a configuration that cannot work
 */
export function createWorker(config: WorkerConfig, { onEvent }: { readonly onEvent?: Tell } = {}): Worker {
  const settings = checkConfig(config);
  return workerOf(settings, [onEvent, settings.logger && eventLog(settings.logger)]);
}

const drainLookMs = 250;

/** @see createWorker */
export function workerOf(settings: Settings, listeners: readonly (Tell | undefined)[]): ProcessWorker {
  const tell = tellAll([settings.onEvent, ...listeners].filter((listener) => listener !== undefined));
  let engine: Engine | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  const giveUpStarting = new AbortController();
  let stopped = false;

  async function start(): Promise<void> {
    const { signal } = giveUpStarting;
    const schedules = await Promise.all(settings.schedules.map(storedSchedule));
    const opened = new Engine(settings, tell, await openConnections(settings, signal, tell), schedules);
    try {
      await opened.start(signal);
      engine = opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  function stop(opened: Engine, timeoutMs: number): Promise<void> {
    stopping ??= opened.stop(timeoutMs).finally(() => (stopped = true));
    return stopping;
  }

  const worker: ProcessWorker = {
    async start() {
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
      let left = true;
      while (left && !stopping && performance.now() < until) {
        left = (await engine?.hasWork(waitMs)) ?? true;
        if (left) await pause(drainLookMs, never);
      }
      await worker.stop();
      return !left;
    },
    async stop({ timeout = settings.drainTimeoutMs } = {}) {
      const timeoutMs = Math.min(longestTimerMs, milliseconds(timeout, "timeout"));
      giveUpStarting.abort();
      await starting?.catch(() => {});
      if (!engine) return;
      setTimeout(() => engine?.giveBack("shutdown"), timeoutMs).unref();
      await stop(engine, timeoutMs);
    },
    async crash() {
      giveUpStarting.abort();
      await starting?.catch(() => {});
      if (!engine) return;
      const ended = stop(engine, 0);
      engine.giveBack("crash");
      await ended;
    },
    health() {
      if (stopping) return healthOf(stopped ? "stopped" : "stopping");
      return healthOf(engine?.vitals() ?? "starting");
    },
    activity() {
      return engine?.activity() ?? activityOf(settings);
    },
  };
  return worker;
}

const never = new AbortController().signal;
