import { maxTimerMs, parseDurationMs } from "../../core/duration.js";
import { ConfigError } from "../../core/errors.js";
import { isJobDefinition, type JobDefinition } from "../../jobs/definition/define-job.js";
import type { HandlerFunction } from "../../jobs/definition/job-context.js";
import type { Retention } from "../../jobs/definition/define-job.js";
import { defaults } from "./defaults.js";
import { type Middleware, applyMiddleware } from "./middleware.js";

/** A job definition with the function that runs it, middleware included. */
export interface Runnable {
  readonly definition: JobDefinition;
  readonly run: HandlerFunction<unknown, unknown>;
  /** The handler without the middleware. */
  readonly handler: HandlerFunction<unknown, unknown>;
  readonly timeoutMs: number;
  readonly retentionMs: RetentionMs;
}

/** How long finished jobs are kept by state, in milliseconds. */
export type RetentionMs = Readonly<Record<keyof Retention, number>>;

/** Combines definitions and handlers, by job name. @throws ConfigError naming a handler that is missing or that has no job */
export function buildRunnables(
  jobs: Readonly<Record<string, unknown>>,
  handlers: Readonly<Record<string, unknown>>,
  retention: RetentionMs,
  middleware: readonly Middleware[],
): Map<string, Runnable> {
  const runnables = new Map<string, Runnable>();
  for (const [key, definition] of Object.entries(jobs)) {
    if (!isJobDefinition(definition)) continue;
    const { name } = definition;
    if (runnables.get(name)?.definition === definition) continue;
    if (name.startsWith("soniq."))
      throw new ConfigError(
        `configuration: the job name ${JSON.stringify(name)} is reserved: choose a name that does not begin with soniq.`,
      );
    if (runnables.has(name))
      throw new ConfigError(`configuration: two job definitions are called ${JSON.stringify(name)}: rename one`);
    const handler = resolveHandler((Object.hasOwn(handlers, key) && handlers[key]) || definition.run, definition, key);
    runnables.set(name, {
      definition,
      run: applyMiddleware(middleware, handler),
      handler,
      timeoutMs: Math.min(maxTimerMs, parseDurationMs(definition.timeout ?? defaults.timeout, `job ${name}: timeout`)),
      retentionMs: resolveRetention(definition, retention),
    });
  }
  const unknownKey = Object.keys(handlers).find((key) => !(Object.hasOwn(jobs, key) && isJobDefinition(jobs[key])));
  if (unknownKey)
    throw new ConfigError(`configuration: handlers.${unknownKey} has no job definition of that name in jobs`);
  return runnables;
}

function resolveRetention({ name, retention: overrides = {} }: JobDefinition, fallback: RetentionMs): RetentionMs {
  const resolveMs = (state: keyof Retention) => {
    const setting = overrides[state];
    return setting === undefined ? fallback[state] : parseDurationMs(setting, `job ${name}: retention.${state}`);
  };
  return { completed: resolveMs("completed"), cancelled: resolveMs("cancelled"), dead: resolveMs("dead") };
}

function resolveHandler(handler: unknown, { name }: JobDefinition, key: string): HandlerFunction<unknown, unknown> {
  if (typeof handler === "function") return handler as HandlerFunction<unknown, unknown>;
  if (typeof handler === "object" && handler !== null && "run" in handler && "job" in handler) {
    const { job, run } = handler as { job: JobDefinition; run: HandlerFunction<unknown, unknown> };
    if (job.name === name) return run;
    throw new ConfigError(`configuration: handlers.${key} is the handler of ${job.name}, not of ${name}`);
  }
  throw new ConfigError(`configuration: handlers.${key} is missing: it runs the job ${name}`);
}
