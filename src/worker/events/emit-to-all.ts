import { callHook } from "../../core/call-hook.js";
import { withoutQuery } from "../../core/errors.js";
import type { Tell, WorkerEvent } from "./events.js";

/** Tells each of these, whatever the others do wrong. */
export function tellAll(listeners: readonly Tell[]): Tell {
  return (told) => {
    const event = shortened(told);
    for (const listener of listeners) callHook("onEvent", listener, event);
  };
}

/** Drizzle's error begins with the statement and the values of its parameters, which may be results of jobs. */
function shortened(event: WorkerEvent): WorkerEvent {
  return event.type === "trouble" ? { ...event, error: withoutQuery(event.error) } : event;
}
