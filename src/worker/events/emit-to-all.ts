import { callHook } from "../../core/call-hook.js";
import { unwrapQueryError } from "../../core/errors.js";
import type { WorkerEventListener, WorkerEvent } from "./events.js";

/** Tells each of these, whatever the others do wrong. */
export function emitToAll(listeners: readonly WorkerEventListener[]): WorkerEventListener {
  return (event) => {
    const short = shorten(event);
    for (const listener of listeners) callHook("onEvent", listener, short);
  };
}

/** Drizzle's error begins with the statement and the values of its parameters, which may be results of jobs. */
function shorten(event: WorkerEvent): WorkerEvent {
  return event.type === "error" ? { ...event, error: unwrapQueryError(event.error) } : event;
}
