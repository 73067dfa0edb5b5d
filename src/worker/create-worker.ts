import { type Duration, maxTimerMs, parseDuration } from "../core/duration.js";
import { SoniqError } from "../core/errors.js";
import { type Activity, activityOf } from "./activity.js";
import type { WorkerConfig } from "./settings/config.js";
import { pause } from "./timing/periodic-tasks.js";
import type { Engine } from "./engine.js";
import { eventLog } from "./events/event-log.js";
import type { WorkerEventListener } from "./events/events.js";
import { type Health, healthOf } from "./health.js";
import { openEngine } from "./open-engine.js";
import { parseConfig, type Settings } from "./settings/settings.js";

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
   * Claims no more, lets running jobs finish for `timeout` (default: the configuration's `shutdownTimeout`), gives back the
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
export function createWorker(
  config: WorkerConfig,
  { onEvent }: { readonly onEvent?: WorkerEventListener } = {},
): Worker {
  const settings = parseConfig(config);
  return workerOf(settings, [onEvent, settings.logger && eventLog(settings.logger)]);
}

const drainPollMs = 250;

/** Where a worker is in its life. */
type Phase =
  | { readonly kind: "idle" }
  | { readonly kind: "starting"; readonly opening: Promise<void>; readonly giveUp: AbortController }
  | { readonly kind: "working"; readonly engine: Engine }
  | { readonly kind: "stopping"; readonly engine: Engine; readonly stopped: Promise<void> }
  | { readonly kind: "stopped"; readonly engine: Engine };

/** @see createWorker */
export function workerOf(settings: Settings, others: readonly (WorkerEventListener | undefined)[]): ProcessWorker {
  const listeners = [settings.onEvent, ...others].filter((listener) => listener !== undefined);
  let phase: Phase = { kind: "idle" };
  const isEnding = () => phase.kind === "stopping" || phase.kind === "stopped";

  async function open(signal: AbortSignal): Promise<void> {
    try {
      phase = { kind: "working", engine: await openEngine(settings, listeners, signal) };
    } catch (error) {
      phase = { kind: "idle" };
      throw error;
    }
  }

  /** Ends a start's wait for PostgreSQL. @returns the engine, if the worker has started */
  async function settleStart(): Promise<Engine | undefined> {
    if (phase.kind === "starting") {
      phase.giveUp.abort();
      await phase.opening.catch(() => {});
    }
    return engineOf(phase);
  }

  function stop(engine: Engine, timeoutMs: number): Promise<void> {
    if (phase.kind === "working") {
      const stopped = engine.stop(timeoutMs).finally(() => (phase = { kind: "stopped", engine }));
      phase = { kind: "stopping", engine, stopped };
    }
    return phase.kind === "stopping" ? phase.stopped : Promise.resolve();
  }

  const worker: ProcessWorker = {
    async start() {
      if (isEnding()) throw new SoniqError("this worker has been stopped: create another one");
      if (phase.kind === "idle") {
        const giveUp = new AbortController();
        phase = { kind: "starting", opening: open(giveUp.signal), giveUp };
      }
      if (phase.kind === "starting") await phase.opening;
    },
    async drain({ wait = "60s", maxDuration } = {}) {
      const waitMs = parseDuration(wait, "wait");
      const until = maxDuration === undefined ? Infinity : performance.now() + parseDuration(maxDuration, "maxDuration");
      if (!isEnding()) await worker.start();
      let left = true;
      while (left && phase.kind === "working" && performance.now() < until) {
        left = await phase.engine.hasWork(waitMs);
        if (left) await pause(drainPollMs, never);
      }
      await worker.stop();
      return !left;
    },
    async stop({ timeout = settings.shutdownTimeoutMs } = {}) {
      const timeoutMs = Math.min(maxTimerMs, parseDuration(timeout, "timeout"));
      const engine = await settleStart();
      if (!engine) return;
      setTimeout(() => engine.giveBack("shutdown"), timeoutMs).unref();
      await stop(engine, timeoutMs);
    },
    async crash() {
      const engine = await settleStart();
      if (!engine) return;
      const ended = stop(engine, 0);
      engine.giveBack("crash");
      await ended;
    },
    health() {
      switch (phase.kind) {
        case "idle":
        case "starting":
          return healthOf("starting");
        case "working":
          return healthOf(phase.engine.vitals());
        default:
          return healthOf(phase.kind);
      }
    },
    activity() {
      return engineOf(phase)?.activity() ?? activityOf(settings);
    },
  };
  return worker;
}

function engineOf(phase: Phase): Engine | undefined {
  return "engine" in phase ? phase.engine : undefined;
}

const never = new AbortController().signal;
