import { styleText } from "node:util";
import pino from "pino";
import { errorText } from "../core/errors.js";
import { storable } from "../core/storable.js";
import type { Outcome } from "../jobs/outcome.js";
import type { Tell, WorkerEvent } from "../worker/events.js";
import { troubleLimit } from "./trouble-limit.js";

/** Says what a worker does. */
export interface Reporter {
  say(text: string): void;
  readonly tell: Tell;
}

/** What writes lines. */
interface Writer {
  say(text: string): void;
  /** @param leftOut how many troubles before this one were not told */
  tell(event: WorkerEvent, leftOut: number): void;
}

/**
 * One readable line per event in a terminal, else one JSON object per line. Of what goes wrong, a line per second: while
 * PostgreSQL is away, everything does.
 */
export function reporter(
  stream: Pick<NodeJS.WriteStream, "isTTY" | "write"> = process.stdout,
  limit = troubleLimit(),
): Reporter {
  const { say, tell } = stream.isTTY ? forPeople(stream) : forPrograms();
  return {
    say,
    tell(event) {
      const leftOut = event.type === "trouble" ? limit.leftOut() : 0;
      if (leftOut !== undefined) tell(event, leftOut);
    },
  };
}

function forPrograms(): Writer {
  const log = pino({ base: { pid: process.pid } }, pino.destination({ fd: 1, sync: true }));
  return {
    say: (text) => log.info(text),
    tell(event, leftOut) {
      switch (event.type) {
        case "settled":
        case "fenced": {
          const { id, name, queue, attempt } = event.job;
          const state = event.type === "settled" ? event.state : "fenced";
          const fields = {
            id,
            job: name,
            queue,
            attempt,
            outcome: event.outcome.kind,
            state,
            runMs: Math.round(event.runMs),
            ...why(event.outcome),
          };
          if (event.type === "settled" && event.state !== "dead") log.info(fields, line(event));
          else log.warn(fields, line(event));
          return;
        }
        case "rescued":
          return log.warn({ jobs: event.jobs.map(({ id }) => id) }, line(event));
        case "late error":
        case "session lost":
          return log.warn(line(event));
        case "tick skipped":
          return log.warn({ schedule: event.schedule, tick: event.tick, why: event.why }, line(event));
        case "trouble":
          return log.warn(leftOut > 0 ? { leftOut } : {}, line(event, leftOut));
        case "degraded":
          return log.warn({ degraded: true, ready: event.ready, reasons: event.reasons }, line(event));
        case "recovered":
          return log.info({ degraded: false }, line(event));
        default:
          return event satisfies never;
      }
    },
  };
}

function forPeople(stream: Pick<NodeJS.WriteStream, "write">): Writer {
  const colors = process.env["NO_COLOR"] === undefined;
  const paint = (color: "dim" | "green" | "yellow" | "red", text: string) => (colors ? styleText(color, text) : text);
  const write = (text: string) => stream.write(`${paint("dim", new Date().toLocaleTimeString("sv"))} ${text}\n`);
  return {
    say: (text) => stream.write(`${text}\n`),
    tell(event, leftOut) {
      const ended = event.type === "settled" ? event.state : event.type;
      const color =
        ended === "completed" || ended === "recovered"
          ? "green"
          : ended === "dead" || ended === "trouble"
            ? "red"
            : "yellow";
      write(paint(color, line(event, leftOut)));
    },
  };
}

function line(event: WorkerEvent, leftOut = 0): string {
  switch (event.type) {
    case "settled":
    case "fenced": {
      const { id, name, attempt, maxAttempts } = event.job;
      const { error, reason } = why(event.outcome);
      const state = event.type === "settled" ? event.state : "fenced (taken from this worker)";
      const again = state === "queued" && "delayMs" in event.outcome;
      const detail = [
        `${name} #${id}`,
        state === "queued" ? event.outcome.kind : state,
        `in ${Math.round(event.runMs)} ms`,
        ...(attempt > 1 || error ? [`attempt ${attempt} of ${maxAttempts}`] : []),
        ...(again ? [`again in ${((event.outcome as { delayMs: number }).delayMs / 1000).toFixed(1)} s`] : []),
      ].join(" · ");
      const cause = reason ?? error;
      return cause ? `${detail}: ${cause.split("\n", 1)[0]}` : detail;
    }
    case "late error":
      return `${event.job.name} #${event.job.id} threw after its transaction had completed it: ${storable(errorText(event.error), 500)}`;
    case "rescued":
      return `rescued ${event.jobs.length} jobs from dead workers`;
    case "session lost":
      return "this worker was silent for longer than its lease: its jobs were taken, it begins anew";
    case "tick skipped": {
      const because = event.why === "missed" ? "it was missed" : "the job before has not finished";
      return `schedule ${event.schedule}: no job of its own for the tick of ${event.tick.toISOString()}, ${because}`;
    }
    case "trouble": {
      const more = leftOut > 0 ? ` (and ${leftOut} failures before, not shown)` : "";
      return `failed while ${event.doing}, trying again: ${storable(errorText(event.error), 500)}${more}`;
    }
    case "degraded":
      return `${event.ready ? "degraded" : "not ready"}: ${event.reasons.join(" · ")}`;
    case "recovered":
      return "all is well again";
    default:
      return event satisfies never;
  }
}

function why(outcome: Outcome): { error?: string; reason?: string } {
  return {
    ...("error" in outcome && outcome.error && { error: outcome.error.message }),
    ...("reason" in outcome && outcome.reason !== undefined && { reason: outcome.reason }),
    ...(outcome.kind === "unknown" && { reason: "this worker knows no job of that name" }),
  };
}
