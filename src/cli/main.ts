import { CommanderError } from "commander";
import { findErrorCode } from "../core/errors.js";
import { exitCodeOf, exitCodes } from "./exit-codes.js";
import { explain } from "./explain.js";
import { printToStderr } from "../core/terminal.js";
import { soniqProgram } from "./program.js";

/** Aborted when whoever read what is printed, as `head` does, has seen enough: it is lost from then on. */
const unread = new AbortController();
process.stdout.on("error", (error) => {
  if (findErrorCode(error) !== "EPIPE") throw error;
  unread.abort();
});

try {
  await soniqProgram().parseAsync();
} catch (error) {
  if (unread.signal.aborted) process.exit(exitCodes.done);
  // What is wrong with a command line, commander has said.
  if (!(error instanceof CommanderError)) printToStderr(`soniq-drizzle: ${explain(error)}`);
  process.exit(exitCodeOf(error));
}
