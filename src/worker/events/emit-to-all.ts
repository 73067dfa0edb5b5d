import { callHook } from "../../core/call-hook.js";
import { unwrapQueryError } from "../../core/errors.js";
import type { WorkerEventListener, WorkerEvent } from "./events.js";

/** Emits each event to all listeners. A listener that throws does not keep the event from the other listeners. */
export function emitToAll(listeners: readonly WorkerEventListener[]): WorkerEventListener {
  return (event) => {
    const stripped = stripQuery(event);
    for (const listener of listeners) callHook("onEvent", listener, stripped);
  };
}

/** Removes the statement from Drizzle's error message: its parameter values may be results of jobs. */
function stripQuery(event: WorkerEvent): WorkerEvent {
  return event.type === "error" ? { ...event, error: unwrapQueryError(event.error) } : event;
}
