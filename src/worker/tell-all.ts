import { callHook } from "../core/call-hook.js";
import type { Tell } from "./events.js";

/** Nobody listens. */
export const silence: Tell = () => {};

/** Tells each of these, whatever the others do wrong. */
export function tellAll(listeners: readonly Tell[]): Tell {
  if (listeners.length === 0) return silence;
  return (event) => {
    for (const listener of listeners) callHook("onEvent", listener, event);
  };
}
