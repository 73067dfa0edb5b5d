import { sanitizeText } from "../core/storable.js";
import type { ProcessWorker } from "../worker/create-worker.js";
import { exitCodes } from "./exit-codes.js";
import { printToStderr } from "../core/terminal.js";

const maxReport = 8_000;
const deepestCause = 5;

/**
 * What happens to a rejection or exception in the user's code that nothing caught: nobody knows in what state it left the
 * process, so that says which it was, stops at once, and ends. The jobs that it held run elsewhere, at once.
 *
 * @param worker undefined while there is none yet
 */
export function stopOnUncaughtErrors(worker: () => ProcessWorker | undefined): void {
  let stopping = false;
  const stop = (thrown: unknown) => {
    printToStderr(`soniq-drizzle: nothing caught this error, so this worker stops: ${inFull(thrown)}`);
    // What breaks while it stops is said, too.
    if (stopping) return;
    stopping = true;
    const end = () => process.exit(exitCodes.uncaught);
    void Promise.resolve(worker()?.crash()).then(end, end);
  };
  process.on("uncaughtException", stop);
  process.on("unhandledRejection", stop);
}

/** With its stack, and its causes', which may go round in a circle. */
function inFull(error: unknown, depth = deepestCause): string {
  if (!(error instanceof Error)) return sanitizeText(String(error), maxReport);
  const cause = error.cause === undefined || depth === 0 ? "" : `\ncaused by ${inFull(error.cause, depth - 1)}`;
  return sanitizeText(`${error.stack ?? error.message}${cause}`, maxReport);
}
