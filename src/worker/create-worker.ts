import { type Duration, maxTimerMs, parseDurationMs } from "../core/duration.js";
import { SoniqError } from "../core/errors.js";
import { type Activity, readActivity } from "./activity.js";
import type { WorkerConfig } from "./settings/config.js";
import { pause } from "./timing/periodic-tasks.js";
import type { Engine } from "./engine.js";
import { logEvents } from "./events/log-events.js";
import type { WorkerEventListener } from "./events/events.js";
import { type Health, assessHealth } from "./health.js";
import { parseConfig, type Settings } from "./settings/settings.js";

/** A worker that runs the jobs of a configuration's queues in this process. */
export interface Worker {
  /**
   * Starts the worker. If it fails, it may be called again. If PostgreSQL has no free connection (53300), it waits for one until
   * `stop` is called.
   *
   * @throws InvalidValueError if the payload of a schedule is invalid; MigrationError if the job tables are missing or older than this
   *   version; the driver's error if the database cannot be reached
   */
  start(): Promise<void>;
  /**
   * Works until no job of its queues is active and none becomes due within `wait` (default `"60s"`), or until
   * `maxDuration` has passed. Then it stops.
   *
   * @returns whether all jobs are done; false if `maxDuration` or `stop` cut the work short
   */
  drain(options?: { readonly wait?: Duration; readonly maxDuration?: Duration }): Promise<boolean>;
  /**
   * Stops claiming, gives running jobs `timeout` to finish (default: the configuration's `shutdownTimeout`), releases the rest, and
   * closes its connections. If it is called again with a shorter timeout, the shorter one applies.
   */
  stop(options?: { readonly timeout?: Duration }): Promise<void>;
  /** Returns the worker's current health. Sends no query, and may be called at any time. */
  health(): Health;
  /** Returns the worker's activity since its start, in numbers. Sends no query, and may be called at any time. */
  activity(): Activity;
}

/** A worker of a process that runs nothing else, and that ends with the worker. */
export interface ProcessWorker extends Worker {
  /**
   * Stops at once after an uncaught error. Stops claiming, aborts running jobs, and releases jobs that have not started. Leaves the
   * aborted jobs to be rescued, which counts a crash for each, since any of them may be the cause. No job loses an attempt.
   */
  crash(): Promise<void>;
}

/**
 * Creates a worker.
 *
 * @param onEvent receives the same events as the configuration's own `onEvent`
 * @throws ConfigError if the configuration is invalid
 */
export function createWorker(
  config: WorkerConfig,
  { onEvent }: { readonly onEvent?: WorkerEventListener } = {},
): Worker {
  const settings = parseConfig(config);
  return createProcessWorker(settings, [onEvent, settings.logger && logEvents(settings.logger)]);
}

const drainPollMs = 250;

/** The phase of a worker's life. */
type Phase =
  | { readonly kind: "idle" }
  | { readonly kind: "starting"; readonly opening: Promise<void>; readonly giveUp: AbortController }
  | { readonly kind: "working"; readonly engine: Engine }
  | { readonly kind: "stopping"; readonly engine: Engine; readonly stopped: Promise<void> }
  | { readonly kind: "stopped"; readonly engine: Engine };

/** @see createWorker */
export function createProcessWorker(
  settings: Settings,
  extraListeners: readonly (WorkerEventListener | undefined)[],
): ProcessWorker {
  const listeners = [settings.onEvent, ...extraListeners].filter((listener) => listener !== undefined);
  const life = new WorkerLife(settings, listeners);
  const worker: ProcessWorker = {
    start: () => life.start(),
    async drain({ wait = "60s", maxDuration } = {}) {
      const waitMs = parseDurationMs(wait, "wait");
      const maxMs = maxDuration === undefined ? Infinity : parseDurationMs(maxDuration, "maxDuration");
      const deadline = performance.now() + maxMs;
      if (!life.isEnding) await life.start();
      let hasWork = true;
      while (hasWork && life.workingEngine && performance.now() < deadline) {
        hasWork = await life.workingEngine.hasWork(waitMs);
        if (hasWork) await pause(drainPollMs, neverAborted);
      }
      await worker.stop();
      return !hasWork;
    },
    async stop({ timeout = settings.shutdownTimeoutMs } = {}) {
      const timeoutMs = Math.min(maxTimerMs, parseDurationMs(timeout, "timeout"));
      const engine = await life.abortStart();
      if (!engine) return;
      setTimeout(() => engine.giveBack("shutdown"), timeoutMs).unref();
      await life.stop(engine, timeoutMs);
    },
    async crash() {
      const engine = await life.abortStart();
      if (!engine) return;
      const stopped = life.stop(engine, 0);
      engine.giveBack("crash");
      await stopped;
    },
    health: () => life.health(),
    activity: () => life.engine?.activity() ?? readActivity(settings),
  };
  return worker;
}

/** The current phase of a worker, and the transitions between phases. */
class WorkerLife {
  #phase: Phase = { kind: "idle" };

  constructor(
    private readonly settings: Settings,
    private readonly listeners: readonly WorkerEventListener[],
  ) {}

  get isEnding(): boolean {
    return this.#phase.kind === "stopping" || this.#phase.kind === "stopped";
  }

  get engine(): Engine | undefined {
    return "engine" in this.#phase ? this.#phase.engine : undefined;
  }

  get workingEngine(): Engine | undefined {
    return this.#phase.kind === "working" ? this.#phase.engine : undefined;
  }

  async start(): Promise<void> {
    if (this.isEnding) throw new SoniqError("this worker has been stopped: create another one");
    if (this.#phase.kind === "idle") {
      const giveUp = new AbortController();
      this.#phase = { kind: "starting", opening: this.#open(giveUp.signal), giveUp };
    }
    if (this.#phase.kind === "starting") await this.#phase.opening;
  }

  async #open(signal: AbortSignal): Promise<void> {
    try {
      // Loaded here, so that an application that only enqueues does not load the engine.
      const { openEngine } = await import("./open-engine.js");
      this.#phase = { kind: "working", engine: await openEngine(this.settings, this.listeners, signal) };
    } catch (error) {
      this.#phase = { kind: "idle" };
      throw error;
    }
  }

  /** Aborts a start that is waiting for PostgreSQL. @returns the engine, if the worker has started */
  async abortStart(): Promise<Engine | undefined> {
    if (this.#phase.kind === "starting") {
      this.#phase.giveUp.abort();
      await this.#phase.opening.catch(() => {});
    }
    return this.engine;
  }

  stop(engine: Engine, timeoutMs: number): Promise<void> {
    if (this.#phase.kind === "working") {
      const stopped = engine.stop(timeoutMs).finally(() => (this.#phase = { kind: "stopped", engine }));
      this.#phase = { kind: "stopping", engine, stopped };
    }
    return this.#phase.kind === "stopping" ? this.#phase.stopped : Promise.resolve();
  }

  health(): Health {
    switch (this.#phase.kind) {
      case "idle":
      case "starting":
        return assessHealth("starting");
      case "working":
        return assessHealth(this.#phase.engine.vitals());
      default:
        return assessHealth(this.#phase.kind);
    }
  }
}

const neverAborted = new AbortController().signal;
