import { sanitizeText } from "../core/sanitize-text.js";
import type { ProcessWorker } from "../worker/create-worker.js";
import { exitCodes } from "./exit-codes.js";
import { printToStderr } from "../core/terminal.js";

const maxReportLength = 8_000;
const maxCauseDepth = 5;

/**
 * Ends the process on an uncaught exception or unhandled rejection in the user's code, because the state of the process is
 * unknown then. It prints the error, releases the worker's jobs so that other workers run them at once, and exits.
 *
 * @param worker returns undefined while the worker is not created yet
 */
export function stopOnUncaughtErrors(worker: () => ProcessWorker | undefined): void {
  let stopping = false;
  const onUncaught = (thrown: unknown) => {
    printToStderr(`soniq-drizzle: uncaught error, so this worker stops: ${formatWithCauses(thrown)}`);
    // Further errors during the stop are printed, too.
    if (stopping) return;
    stopping = true;
    const exit = () => process.exit(exitCodes.uncaught);
    void Promise.resolve(worker()?.crash()).then(exit, exit);
  };
  process.on("uncaughtException", onUncaught);
  process.on("unhandledRejection", onUncaught);
}

/** Formats an error with its stack and those of its causes, up to a depth: causes may be circular. */
function formatWithCauses(error: unknown, depth = maxCauseDepth): string {
  if (!(error instanceof Error)) return sanitizeText(String(error), maxReportLength);
  const cause =
    error.cause === undefined || depth === 0 ? "" : `\ncaused by ${formatWithCauses(error.cause, depth - 1)}`;
  return sanitizeText(`${error.stack ?? error.message}${cause}`, maxReportLength);
}
