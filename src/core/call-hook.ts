import { sanitizeText } from "./storable.js";
import { printToStderr, toOneLine } from "./terminal.js";

const maxReportChars = 4_000;

/**
 * Calls what the user asked to be told by. What it does wrong is printed, and is nobody else's failure: neither when it
 * throws, nor when a promise that it returns is rejected.
 *
 * @param name what it is, in the line that is printed
 */
export function callHook<Args extends unknown[]>(name: string, hook: (...args: Args) => unknown, ...args: Args): void {
  const printFailure = (error: unknown) => printHookFailure(name, error);
  try {
    const result = hook(...args);
    if (typeof result === "object" && result !== null) Promise.resolve(result).catch(printFailure);
  } catch (error) {
    printFailure(error);
  }
}

/** Prints on one line what a function of the user's threw. */
export function printHookFailure(name: string, error: unknown): void {
  printToStderr(toOneLine(`soniq-drizzle: ${name} failed: ${describeThrown(error)}`));
}

/** With its stack, and without secrets. An error may throw when it is read: its stack may be anything. */
function describeThrown(error: unknown): string {
  try {
    return sanitizeText(String(error instanceof Error ? (error.stack ?? error.message) : error), maxReportChars);
  } catch {
    return "an error that cannot be read";
  }
}
