import { SoniqError } from "../../core/errors.js";
import { markReceived } from "../../jobs/definition/directives.js";
import type { HandlerFunction, JobContext } from "../../jobs/definition/job-context.js";

/** What a middleware knows of the job around whose handler it stands. */
export interface MiddlewareContext extends JobContext {
  /** What the validator made of it. */
  readonly payload: unknown;
}

/**
 * Stands around the handler of each attempt: `next()` runs what is within, and resolves with the handler's result or directive.
 *
 * If it returns nothing, the handler's end stands, whether that is a result or an error. What else it returns takes the place of
 * that; what it throws fails the attempt, as if the handler had thrown it. Without calling `next()`, it returns `job.snooze(…)`,
 * `job.cancel(…)`, `job.discard(…)` or a result, or throws: a job is not completed because somebody forgot to run it.
 */
export type Middleware = (job: MiddlewareContext, next: () => Promise<unknown>) => unknown;

/** The handler with each of these around it, the first one outermost. */
export function withMiddleware(
  middleware: readonly Middleware[],
  handler: HandlerFunction<unknown, unknown>,
): HandlerFunction<unknown, unknown> {
  return middleware.reduceRight((within, around) => (payload, job) => through(around, within, payload, job), handler);
}

async function through(
  around: Middleware,
  within: HandlerFunction<unknown, unknown>,
  payload: unknown,
  job: JobContext,
): Promise<unknown> {
  let run: Promise<unknown> | undefined;
  const next = () => {
    if (run) return Promise.reject(new SoniqError(`job ${job.name}: a middleware called next() twice: it runs once`));
    run = ended(within, payload, job);
    // A middleware that does not wait for it need not mind its error: that is the attempt's.
    run.catch(() => {});
    return run;
  };
  // The context itself, not a copy: that would ask for its signal.
  const returned = await around(Object.assign(job, { payload }), next);
  if (returned !== undefined) return returned;
  if (!run) {
    throw new SoniqError(
      `job ${job.name}: a middleware returned nothing without calling next(): call it, or return what ends the attempt, such as job.snooze("1m")`,
    );
  }
  return run;
}

/** What ends the attempt is for the middleware to judge from here on: a directive among it is not forgotten. */
async function ended(within: HandlerFunction<unknown, unknown>, payload: unknown, job: JobContext): Promise<unknown> {
  try {
    const returned = await within(payload, job);
    markReceived(returned);
    return returned;
  } catch (threw) {
    markReceived(threw);
    throw threw;
  }
}
