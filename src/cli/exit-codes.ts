import { CommanderError } from "commander";
import { ConfigError, InvalidValueError } from "../core/errors.js";

/** How a process of the command line can end. */
export const exitCodes = {
  /** As it was told to. */
  done: 0,
  /** Starting it again may help. */
  failed: 1,
  /** Starting it again will not help. */
  usage: 2,
  /** `work --drain` that left jobs. */
  cutShort: 3,
  /** In the user's code. */
  uncaught: 4,
} as const;

/** The same for people. */
export const exitCodesInWords = `Exit status:
  ${exitCodes.done}  stopped in order; with --drain: nothing is left
  ${exitCodes.failed}  failed: PostgreSQL cannot be reached, tables are missing, the port is taken …
  ${exitCodes.usage}  wrong command line or configuration
  ${exitCodes.cutShort}  --drain was cut short, by --max-duration or a signal: jobs may be left
  ${exitCodes.uncaught}  stopped because of an error that no handler caught`;

/** The status to end with after an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  return error instanceof ConfigError || error instanceof InvalidValueError ? exitCodes.usage : exitCodes.failed;
}
