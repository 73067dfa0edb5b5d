import { callHook } from "../../core/call-hook.js";
import { eventLine, whyEnded } from "./event-line.js";
import type { WorkerEventListener, WorkerEvent } from "./events.js";
import { errorThrottle } from "./error-throttle.js";

/** What a worker writes its log to: a pino logger, or anything that takes fields and a text as pino does. */
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
 * Has a logger write down what a worker tells, beside the starts of jobs, which have their ends. Dead letters are errors; what
 * else went wrong is a warning, and no more than one a second where it is tried again: while PostgreSQL is away, everything is.
 */
export function eventLog(logger: Logger, limit = errorThrottle()): WorkerEventListener {
  return (event) => {
    const leftOut = event.type === "error" ? limit.leftOut() : 0;
    if (leftOut !== undefined) callHook("logger", write, logger, event, leftOut);
  };
}

function write(logger: Logger, event: WorkerEvent, leftOut: number): void {
  switch (event.type) {
    case "started":
      return;
    case "logged":
      return logger.info({ ...event.fields, ...jobFields(event) }, event.message);
    case "completed":
    case "retried":
    case "snoozed":
    case "parked":
    case "released":
    case "unknown":
    case "cancelled":
    case "dead":
    case "fenced": {
      const level = levelOf(event);
      const { outcome, runMs } = event;
      const state = event.type === "fenced" ? "fenced" : event.state;
      const fields = { outcome: outcome.kind, state, runMs: Math.round(runMs), ...whyEnded(outcome) };
      return logger[level]({ ...jobFields(event), ...fields }, eventLine(event));
    }
    case "late-error":
      return logger.warn(jobFields(event), eventLine(event));
    case "rescued":
      return logger.warn({ jobs: event.jobs.map(({ id }) => id) }, eventLine(event));
    case "session-lost":
      return logger.warn({}, eventLine(event));
    case "tick-skipped":
      return logger.warn({ schedule: event.schedule, tick: event.tick, because: event.reason }, eventLine(event));
    case "error":
      return logger.warn(leftOut > 0 ? { leftOut } : {}, eventLine(event, leftOut));
    case "degraded":
      return logger.warn({ degraded: true, ready: event.ready, reasons: event.reasons }, eventLine(event));
    case "recovered":
      return logger.info({ degraded: false }, eventLine(event));
    default:
      return event satisfies never;
  }
}

function levelOf(event: Extract<WorkerEvent, { outcome: unknown }>): "info" | "warn" | "error" {
  if (event.type === "dead") return "error";
  // A release with an error has lost the connection of its transaction.
  return event.type === "fenced" || (event.type === "released" && event.error !== undefined) ? "warn" : "info";
}

function jobFields({ job: { id, name, queue, attempt } }: Extract<WorkerEvent, { job: unknown }>) {
  return { id, job: name, queue, attempt };
}
