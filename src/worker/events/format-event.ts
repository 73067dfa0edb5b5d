import { describeError } from "../../core/errors.js";
import { sanitizeText } from "../../core/sanitize-text.js";
import { toFieldsJson } from "../../jobs/row/log-line.js";
import type { Outcome } from "../../jobs/settle/outcome.js";
import type { WorkerEvent } from "./events.js";

/** Formats an event as a line of text. @param suppressed the number of error events that were not shown since the last shown one */
export function formatEvent(event: WorkerEvent, suppressed = 0): string {
  switch (event.type) {
    case "started":
      return `${formatJob(event)} · started`;
    case "logged": {
      const fields = event.fields && toFieldsJson(event.fields);
      return `${formatJob(event)}: ${event.message}${fields ? ` ${sanitizeText(fields, 500)}` : ""}`;
    }
    case "completed":
    case "retried":
    case "snoozed":
    case "parked":
    case "released":
    case "unknown":
    case "cancelled":
    case "dead":
    case "fenced":
      return formatEnd(event);
    case "late-error":
      return `${formatJob(event)} threw after its transaction had completed it: ${sanitizeText(describeError(event.error), 500)}`;
    case "rescued":
      return `rescued ${event.jobs.length} jobs from dead workers`;
    case "session-lost":
      return "this worker was silent for longer than its lease: its jobs were taken, and it starts a new session";
    case "tick-skipped":
      return formatSkippedTick(event);
    case "error": {
      const suppressedNote = suppressed > 0 ? ` (and ${suppressed} earlier failures, not shown)` : "";
      return `failed while ${event.operation}, retrying: ${sanitizeText(describeError(event.error), 500)}${suppressedNote}`;
    }
    case "degraded":
      return `${event.ready ? "degraded" : "not ready"}: ${event.reasons.join(" · ")}`;
    case "recovered":
      return "recovered";
    default:
      return event satisfies never;
  }
}

function formatJob({ job: { name, id } }: Extract<WorkerEvent, { job: unknown }>): string {
  return `${name} #${id}`;
}

function formatEnd(event: Extract<WorkerEvent, { outcome: unknown }>): string {
  const { attempt, maxAttempts } = event.job;
  const { error, cause, reason } = extractCauses(event.outcome);
  const releaseError =
    event.type === "released" && !error && event.error !== undefined ? describeError(event.error) : undefined;
  const runsAgain = event.type !== "fenced" && event.state === "queued" && "delayMs" in event.outcome;
  const facts = [
    formatJob(event),
    event.type === "fenced" ? "fenced (taken from this worker)" : event.type,
    `in ${Math.round(event.runMs)} ms`,
    ...(attempt > 1 || error ? [`attempt ${attempt} of ${maxAttempts}`] : []),
    ...(runsAgain ? [`runs again in ${((event.outcome as { delayMs: number }).delayMs / 1000).toFixed(1)} s`] : []),
  ].join(" · ");
  const causes = [reason ?? error ?? (releaseError && sanitizeText(releaseError, 500)), cause]
    .flatMap((text) => text?.split("\n", 1) ?? [])
    .join(" ← ");
  return causes ? `${facts}: ${causes}` : facts;
}

function formatSkippedTick({ schedule, tick, reason }: Extract<WorkerEvent, { type: "tick-skipped" }>): string {
  const cause =
    reason === "missed" ? "it was missed" : "the previous job has not finished, or another job holds its unique key";
  return `schedule ${schedule}: the tick of ${tick.toISOString()} enqueued no job, because ${cause}`;
}

/** Returns the error, its cause and the reason of an outcome, as far as it has them. */
export function extractCauses(outcome: Outcome): { error?: string; cause?: string; reason?: string } {
  const { message, cause } = ("error" in outcome && outcome.error) || {};
  return {
    ...(message !== undefined && { error: message }),
    ...(cause !== undefined && { cause }),
    ...("reason" in outcome && outcome.reason !== undefined && { reason: outcome.reason }),
  };
}
