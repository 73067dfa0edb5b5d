import { maxTimerMs, parseDuration } from "../../core/duration.js";
import { ConfigError } from "../../core/errors.js";
import { isJobDefinition, type JobDefinition } from "../../jobs/definition/define-job.js";
import type { HandlerFunction } from "../../jobs/definition/job-context.js";
import type { Retention } from "../../jobs/definition/define-job.js";
import { defaults } from "./defaults.js";
import { type Middleware, withMiddleware } from "./middleware.js";

/** A job definition with the function that runs it, middleware included. */
export interface Runnable {
  readonly definition: JobDefinition;
  readonly run: HandlerFunction<unknown, unknown>;
  /** The same without the middleware. */
  readonly handler: HandlerFunction<unknown, unknown>;
  readonly timeoutMs: number;
  readonly retentionMs: RetentionMs;
}

/** How long finished jobs are kept, in milliseconds. */
export type RetentionMs = Readonly<Record<keyof Retention, number>>;

/** The handlers by their jobs' names. @throws ConfigError naming one that is missing, or that belongs to no job */
export function runnablesOf(
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
        `configuration: the job name ${JSON.stringify(name)} is ours: choose one that does not begin with soniq.`,
      );
    if (runnables.has(name))
      throw new ConfigError(`configuration: two job definitions are called ${JSON.stringify(name)}: rename one`);
    const handler = runOf((Object.hasOwn(handlers, key) && handlers[key]) || definition.run, definition, key);
    runnables.set(name, {
      definition,
      run: withMiddleware(middleware, handler),
      handler,
      timeoutMs: Math.min(maxTimerMs, parseDuration(definition.timeout ?? defaults.timeout, `job ${name}: timeout`)),
      retentionMs: retentionOf(definition, retention),
    });
  }
  const stranger = Object.keys(handlers).find((key) => !(Object.hasOwn(jobs, key) && isJobDefinition(jobs[key])));
  if (stranger) throw new ConfigError(`configuration: handlers.${stranger} has no job definition of that name in jobs`);
  return runnables;
}

function retentionOf({ name, retention: own = {} }: JobDefinition, general: RetentionMs): RetentionMs {
  const kept = (state: keyof Retention) => {
    const said = own[state];
    return said === undefined ? general[state] : parseDuration(said, `job ${name}: retention.${state}`);
  };
  return { completed: kept("completed"), cancelled: kept("cancelled"), dead: kept("dead") };
}

function runOf(handler: unknown, { name }: JobDefinition, key: string): HandlerFunction<unknown, unknown> {
  if (typeof handler === "function") return handler as HandlerFunction<unknown, unknown>;
  if (typeof handler === "object" && handler !== null && "run" in handler && "job" in handler) {
    const { job, run } = handler as { job: JobDefinition; run: HandlerFunction<unknown, unknown> };
    if (job.name === name) return run;
    throw new ConfigError(`configuration: handlers.${key} is the handler of ${job.name}, not of ${name}`);
  }
  throw new ConfigError(`configuration: handlers.${key} is missing: it runs the job ${name}`);
}
