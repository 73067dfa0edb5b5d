import { sanitizeText } from "./sanitize-text.js";
import { printToStderr, toOneLine } from "./terminal.js";

const maxReportChars = 4_000;

/**
 * Calls a callback of the user. If it throws, or the promise that it returns rejects, the error is printed and does not affect the
 * caller.
 *
 * @param name names the callback in the printed line
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

/** Prints an error that a user's callback threw, on one line. */
export function printHookFailure(name: string, error: unknown): void {
  printToStderr(toOneLine(`soniq-drizzle: ${name} failed: ${describeThrown(error)}`));
}

/** Includes the stack and masks secrets. Reading an error may throw: `stack` may be a getter or have any type. */
function describeThrown(error: unknown): string {
  try {
    return sanitizeText(String(error instanceof Error ? (error.stack ?? error.message) : error), maxReportChars);
  } catch {
    return "an error that cannot be read";
  }
}
