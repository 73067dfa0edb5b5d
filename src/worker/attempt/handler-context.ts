import type { Duration } from "../../core/duration.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import { Cancel, type Directive, Discard, Snooze } from "../../jobs/definition/directives.js";
import type { JobContext } from "../../jobs/definition/job-context.js";

/**
 * What the handler of one attempt gets beside the payload. A plain object, that it may be taken apart; the signal is made
 * when it is asked for.
 */
export function handlerContext(
  { id, name, queue, attempt, maxAttempts, tags, meta }: ClaimedJob,
  signalOf: () => AbortSignal,
  transaction: JobContext["transaction"],
  log: JobContext["log"],
  progress: JobContext["progress"],
  made: <D extends Directive>(directive: D) => D,
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
      return signalOf();
    },
    transaction,
    log,
    progress,
    snooze: (delay: Duration) => made(new Snooze(delay)),
    cancel: (reason: string) => made(new Cancel(reason)),
    discard: (reason: string) => made(new Discard(reason)),
  };
}
