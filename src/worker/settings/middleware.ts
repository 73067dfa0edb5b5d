import { SoniqError } from "../../core/errors.js";
import { flagReceived } from "../../jobs/definition/directives.js";
import type { HandlerFunction, JobContext } from "../../jobs/definition/job-context.js";

/** The context of the job whose handler a middleware wraps. */
export interface MiddlewareContext extends JobContext {
  /** The payload as the validator returned it. */
  readonly payload: unknown;
}

/**
 * Wraps the handler of each attempt. `next()` runs the next middleware or the handler, and resolves with the handler's result or
 * directive.
 *
 * If the middleware returns undefined, the handler's result or error is kept. Any other value replaces it. An error that the middleware
 * throws fails the attempt, as if the handler had thrown it. A middleware that does not call `next()` must return `job.snooze(…)`,
 * `job.cancel(…)`, `job.discard(…)` or a result, or throw: otherwise a forgotten `next()` would complete jobs that never ran.
 */
export type Middleware = (job: MiddlewareContext, next: () => Promise<unknown>) => unknown;

/** Wraps the handler in the middleware, the first one outermost. */
export function applyMiddleware(
  middleware: readonly Middleware[],
  handler: HandlerFunction<unknown, unknown>,
): HandlerFunction<unknown, unknown> {
  return middleware.reduceRight((inner, outer) => (payload, job) => runMiddleware(outer, inner, payload, job), handler);
}

async function runMiddleware(
  outer: Middleware,
  inner: HandlerFunction<unknown, unknown>,
  payload: unknown,
  job: JobContext,
): Promise<unknown> {
  let innerRun: Promise<unknown> | undefined;
  const next = () => {
    if (innerRun)
      return Promise.reject(new SoniqError(`job ${job.name}: a middleware called next() twice: call it once`));
    innerRun = runInner(inner, payload, job);
    // The attempt handles this error. Without the catch, a middleware that does not await next() would cause an unhandled rejection.
    innerRun.catch(() => {});
    return innerRun;
  };
  // Extends the context itself: a copy would call its `signal` getter.
  const result = await outer(Object.assign(job, { payload }), next);
  if (result !== undefined) return result;
  if (!innerRun) {
    throw new SoniqError(
      `job ${job.name}: a middleware returned nothing without calling next(): call it, or return what ends the attempt, such as job.snooze("1m")`,
    );
  }
  return innerRun;
}

/** Runs the next layer. A directive that it returns or throws counts as received: the middleware decides what to do with it. */
async function runInner(inner: HandlerFunction<unknown, unknown>, payload: unknown, job: JobContext): Promise<unknown> {
  try {
    const result = await inner(payload, job);
    flagReceived(result);
    return result;
  } catch (error) {
    flagReceived(error);
    throw error;
  }
}
