import { storable } from "./storable.js";
import { complain, oneLine } from "./terminal.js";

const maxReportLength = 4_000;

/**
 * Calls what the user asked to be told by. What it does wrong is printed, and is nobody else's failure: neither when it
 * throws, nor when a promise that it returns is rejected.
 *
 * @param name what it is, in the line that is printed
 */
export function callHook<Told extends unknown[]>(name: string, hook: (...told: Told) => unknown, ...told: Told): void {
  const failed = (error: unknown) => reportFailureOf(name, error);
  try {
    const returned = hook(...told);
    if (typeof returned === "object" && returned !== null) Promise.resolve(returned).catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** Prints on one line what a function of the user's threw. */
export function reportFailureOf(name: string, error: unknown): void {
  complain(oneLine(`soniq-drizzle: ${name} failed: ${report(error)}`));
}

/** With its stack, and without secrets. An error may throw when it is read: its stack may be anything. */
function report(error: unknown): string {
  try {
    return storable(String(error instanceof Error ? (error.stack ?? error.message) : error), maxReportLength);
  } catch {
    return "an error that cannot be read";
  }
}
