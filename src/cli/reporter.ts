import { styleText } from "node:util";
import pino from "pino";
import { callHook } from "../core/call-hook.js";
import { formatEvent } from "../worker/events/format-event.js";
import { logEvents, type Logger } from "../worker/events/log-events.js";
import type { WorkerEventListener, WorkerEvent } from "../worker/events/events.js";
import { createErrorThrottle } from "../worker/events/error-throttle.js";
import { toOneLine, toPrintable, toPrintableJson } from "../core/terminal.js";

/** Prints or logs messages and worker events. */
export interface Reporter {
  log(text: string): void;
  readonly emit: WorkerEventListener;
}

/**
 * Writes to the configured logger; without a logger, one readable line per event in a terminal, else one JSON object per line.
 * Error events are throttled to a line per second, because every operation fails while PostgreSQL is down.
 */
export function createReporter(
  logger?: Logger,
  stream: Pick<NodeJS.WriteStream, "isTTY" | "write"> = process.stdout,
  throttle = createErrorThrottle(),
): Reporter {
  if (!logger && stream.isTTY) return createTerminalReporter(stream, throttle);
  const log =
    logger ??
    pino(
      { base: { pid: process.pid }, hooks: { streamWrite: toPrintableJson } },
      pino.destination({ fd: 1, sync: true }),
    );
  return { log: (text) => callHook("logger", () => log.info({}, text)), emit: logEvents(log, throttle) };
}

function createTerminalReporter(
  stream: Pick<NodeJS.WriteStream, "write">,
  throttle: ReturnType<typeof createErrorThrottle>,
): Reporter {
  const colors = process.env["NO_COLOR"] === undefined;
  const write = (text: string) => stream.write(`${colors ? styleText("dim", formatTime()) : formatTime()} ${text}\n`);
  return {
    log: (text) => stream.write(`${toPrintable(text)}\n`),
    emit(event) {
      if (event.type === "started") return;
      const leftOut = event.type === "error" ? throttle.admit() : 0;
      if (leftOut === undefined) return;
      const text = toOneLine(formatEvent(event, leftOut));
      write(colors ? styleText(pickColor(event), text) : text);
    },
  };
}

function formatTime(): string {
  return new Date().toLocaleTimeString("sv");
}

function pickColor({ type }: WorkerEvent): "dim" | "green" | "yellow" | "red" {
  if (type === "completed" || type === "recovered") return "green";
  if (type === "dead" || type === "error") return "red";
  return type === "logged" ? "dim" : "yellow";
}
