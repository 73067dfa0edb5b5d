import { describeError } from "../../core/errors.js";
import { sanitizeText } from "../../core/storable.js";
import { fieldsJson } from "../../jobs/row/log-line.js";
import type { Outcome } from "../../jobs/settle/outcome.js";
import type { WorkerEvent } from "./events.js";

/** An event as a line for people. @param leftOut how many troubles before this one were not told */
export function eventLine(event: WorkerEvent, leftOut = 0): string {
  switch (event.type) {
    case "started":
      return `${event.job.name} #${event.job.id} · started`;
    case "logged": {
      const fields = event.fields && fieldsJson(event.fields);
      return `${event.job.name} #${event.job.id}: ${event.message}${fields ? ` ${sanitizeText(fields, 500)}` : ""}`;
    }
    case "completed":
    case "retried":
    case "snoozed":
    case "parked":
    case "released":
    case "unknown":
    case "cancelled":
    case "dead":
    case "fenced": {
      const { id, name, attempt, maxAttempts } = event.job;
      const { error, cause, reason } = whyEnded(event.outcome);
      const thrown =
        event.type === "released" && !error && event.error !== undefined ? describeError(event.error) : undefined;
      const again = event.type !== "fenced" && event.state === "queued" && "delayMs" in event.outcome;
      const detail = [
        `${name} #${id}`,
        event.type === "fenced" ? "fenced (taken from this worker)" : event.type,
        `in ${Math.round(event.runMs)} ms`,
        ...(attempt > 1 || error ? [`attempt ${attempt} of ${maxAttempts}`] : []),
        ...(again ? [`again in ${((event.outcome as { delayMs: number }).delayMs / 1000).toFixed(1)} s`] : []),
      ].join(" · ");
      const why = [reason ?? error ?? (thrown && sanitizeText(thrown, 500)), cause]
        .flatMap((text) => text?.split("\n", 1) ?? [])
        .join(" ← ");
      return why ? `${detail}: ${why}` : detail;
    }
    case "late-error":
      return `${event.job.name} #${event.job.id} threw after its transaction had completed it: ${sanitizeText(describeError(event.error), 500)}`;
    case "rescued":
      return `rescued ${event.jobs.length} jobs from dead workers`;
    case "session-lost":
      return "this worker was silent for longer than its lease: its jobs were taken, it begins anew";
    case "tick-skipped": {
      const cause =
        event.reason === "missed"
          ? "it was missed"
          : "the job before has not finished, or another holds its unique key";
      return `schedule ${event.schedule}: no job of its own for the tick of ${event.tick.toISOString()}, ${cause}`;
    }
    case "error": {
      const more = leftOut > 0 ? ` (and ${leftOut} failures before, not shown)` : "";
      return `failed while ${event.operation}, trying again: ${sanitizeText(describeError(event.error), 500)}${more}`;
    }
    case "degraded":
      return `${event.ready ? "degraded" : "not ready"}: ${event.reasons.join(" · ")}`;
    case "recovered":
      return "all is well again";
    default:
      return event satisfies never;
  }
}

/** What an outcome says of its causes. */
export function whyEnded(outcome: Outcome): { error?: string; cause?: string; reason?: string } {
  const { message, cause } = ("error" in outcome && outcome.error) || {};
  return {
    ...(message !== undefined && { error: message }),
    ...(cause !== undefined && { cause }),
    ...("reason" in outcome && outcome.reason !== undefined && { reason: outcome.reason }),
  };
}
