import { styleText } from "node:util";
import pino from "pino";
import { callHook } from "../core/call-hook.js";
import { eventLine } from "../worker/events/event-line.js";
import { eventLog, type Logger } from "../worker/events/event-log.js";
import type { WorkerEventListener, WorkerEvent } from "../worker/events/events.js";
import { errorThrottle } from "../worker/events/error-throttle.js";
import { toOneLine, toPrintable, toPrintableJson } from "../core/terminal.js";

/** Says what a worker does. */
export interface Reporter {
  say(text: string): void;
  readonly emit: WorkerEventListener;
}

/**
 * One readable line per event in a terminal, else one JSON object per line; or all of it to the configuration's own logger.
 * Of what goes wrong, a line per second: while PostgreSQL is away, everything does.
 */
export function reporter(
  logger?: Logger,
  stream: Pick<NodeJS.WriteStream, "isTTY" | "write"> = process.stdout,
  limit = errorThrottle(),
): Reporter {
  if (!logger && stream.isTTY) return forPeople(stream, limit);
  const log =
    logger ??
    pino(
      { base: { pid: process.pid }, hooks: { streamWrite: toPrintableJson } },
      pino.destination({ fd: 1, sync: true }),
    );
  return { say: (text) => callHook("logger", () => log.info({}, text)), emit: eventLog(log, limit) };
}

function forPeople(stream: Pick<NodeJS.WriteStream, "write">, limit: ReturnType<typeof errorThrottle>): Reporter {
  const colors = process.env["NO_COLOR"] === undefined;
  const write = (text: string) => stream.write(`${colors ? styleText("dim", time()) : time()} ${text}\n`);
  return {
    say: (text) => stream.write(`${toPrintable(text)}\n`),
    emit(event) {
      if (event.type === "started") return;
      const leftOut = event.type === "error" ? limit.leftOut() : 0;
      if (leftOut === undefined) return;
      const text = toOneLine(eventLine(event, leftOut));
      write(colors ? styleText(colorOf(event), text) : text);
    },
  };
}

function time(): string {
  return new Date().toLocaleTimeString("sv");
}

function colorOf({ type }: WorkerEvent): "dim" | "green" | "yellow" | "red" {
  if (type === "completed" || type === "recovered") return "green";
  if (type === "dead" || type === "error") return "red";
  return type === "logged" ? "dim" : "yellow";
}
