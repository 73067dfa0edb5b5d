import { callHook } from "../../core/call-hook.js";
import { formatEvent, extractCauses } from "./format-event.js";
import type { WorkerEventListener, WorkerEvent } from "./events.js";
import { createErrorThrottle } from "./error-throttle.js";

/** The target of a worker's log: a pino logger, or any object whose methods take fields and a text as pino's do. */
export interface Logger {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export function isLogger(value: unknown): value is Logger {
  const methods = value as Record<string, unknown>;
  return (
    typeof value === "object" &&
    value !== null &&
    ["info", "warn", "error"].every((level) => typeof methods[level] === "function")
  );
}

/**
 * Writes a worker's events to a logger, except `started`: the attempt's end is logged. A dead letter is logged as an error, any
 * other problem as a warning. Errors that the worker retries are limited to one line per second, because during an outage of
 * PostgreSQL every operation fails.
 */
export function logEvents(logger: Logger, throttle = createErrorThrottle()): WorkerEventListener {
  return (event) => {
    const suppressed = event.type === "error" ? throttle.admit() : 0;
    if (suppressed !== undefined) callHook("logger", logEvent, logger, event, suppressed);
  };
}

function logEvent(logger: Logger, event: WorkerEvent, suppressed: number): void {
  switch (event.type) {
    case "started":
      return;
    case "logged":
      return logger.info({ ...event.fields, ...toJobFields(event) }, event.message);
    case "completed":
    case "retried":
    case "snoozed":
    case "parked":
    case "released":
    case "unknown":
    case "cancelled":
    case "dead":
    case "fenced": {
      const level = chooseLevel(event);
      const { outcome, runMs } = event;
      const state = event.type === "fenced" ? "fenced" : event.state;
      const fields = { outcome: outcome.kind, state, runMs: Math.round(runMs), ...extractCauses(outcome) };
      return logger[level]({ ...toJobFields(event), ...fields }, formatEvent(event));
    }
    case "late-error":
      return logger.warn(toJobFields(event), formatEvent(event));
    case "rescued":
      return logger.warn({ jobs: event.jobs.map(({ id }) => id) }, formatEvent(event));
    case "session-lost":
      return logger.warn({}, formatEvent(event));
    case "tick-skipped":
      return logger.warn({ schedule: event.schedule, tick: event.tick, reason: event.reason }, formatEvent(event));
    case "error":
      return logger.warn(suppressed > 0 ? { suppressed } : {}, formatEvent(event, suppressed));
    case "degraded":
      return logger.warn({ degraded: true, ready: event.ready, reasons: event.reasons }, formatEvent(event));
    case "recovered":
      return logger.info({ degraded: false }, formatEvent(event));
    default:
      return event satisfies never;
  }
}

function chooseLevel(event: Extract<WorkerEvent, { outcome: unknown }>): "info" | "warn" | "error" {
  if (event.type === "dead") return "error";
  // A release carries an error only if its transaction lost the connection.
  return event.type === "fenced" || (event.type === "released" && event.error !== undefined) ? "warn" : "info";
}

function toJobFields({ job: { id, name, queue, attempt } }: Extract<WorkerEvent, { job: unknown }>) {
  return { id, job: name, queue, attempt };
}
