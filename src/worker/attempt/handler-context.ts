import type { Duration } from "../../core/duration.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import { Cancel, type Directive, Discard, Snooze } from "../../jobs/definition/directives.js";
import type { JobContext } from "../../jobs/definition/job-context.js";

/**
 * Creates the context that a handler receives beside its payload. It is a plain object, so that handlers can destructure it. The
 * signal is created on first use.
 */
export function createHandlerContext(
  { id, name, queue, attempt, maxAttempts, tags, meta }: ClaimedJob,
  getSignal: () => AbortSignal,
  transaction: JobContext["transaction"],
  log: JobContext["log"],
  progress: JobContext["progress"],
  recordDirective: <D extends Directive>(directive: D) => D,
): JobContext {
  return {
    id,
    name,
    queue,
    attempt,
    maxAttempts,
    tags: tags === "[]" ? [] : (JSON.parse(tags) as string[]),
    meta: meta === "{}" ? {} : (JSON.parse(meta) as Record<string, unknown>),
    get signal() {
      return getSignal();
    },
    transaction,
    log,
    progress,
    snooze: (delay: Duration) => recordDirective(new Snooze(delay)),
    cancel: (reason: string) => recordDirective(new Cancel(reason)),
    discard: (reason: string) => recordDirective(new Discard(reason)),
  };
}
