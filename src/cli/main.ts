import { CommanderError } from "commander";
import { findErrorCode } from "../core/errors.js";
import { toExitCode, exitCodes } from "./exit-codes.js";
import { explain } from "./explain.js";
import { printToStderr } from "../core/terminal.js";
import { createProgram } from "./program.js";

/** Aborted when the reader of stdout closes the pipe, as `head` does. Further output is lost. */
const outputClosed = new AbortController();
process.stdout.on("error", (error) => {
  if (findErrorCode(error) !== "EPIPE") throw error;
  outputClosed.abort();
});

try {
  const program = await createProgram(process.argv.slice(2));
  await program.parseAsync();
} catch (error) {
  if (outputClosed.signal.aborted) process.exit(exitCodes.done);
  // Commander has already printed its own errors.
  if (!(error instanceof CommanderError)) printToStderr(`soniq-drizzle: ${explain(error)}`);
  process.exit(toExitCode(error));
}
