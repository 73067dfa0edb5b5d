import { CommanderError } from "commander";
import { ConfigError, InvalidValueError } from "../core/errors.js";

/** The exit codes of the command line. */
export const exitCodes = {
  /** The command succeeded, or a worker stopped in order. */
  done: 0,
  /** The command failed; running it again may help. */
  failed: 1,
  /** The command line or the configuration is wrong; running it again does not help. */
  usage: 2,
  /** `work --drain` stopped before the queues were drained. */
  cutShort: 3,
  /** An error in the user's code was not caught. */
  uncaught: 4,
} as const;

/** The exit codes as text, for `--help`. */
export const exitCodesHelp = `Exit status:
  ${exitCodes.done}  stopped in order; with --drain: no job is left, or due within --wait
  ${exitCodes.failed}  failed: PostgreSQL cannot be reached, tables are missing, the port is taken …
  ${exitCodes.usage}  wrong command line or configuration
  ${exitCodes.cutShort}  --drain was cut short, by --max-duration or a signal: jobs may be left
  ${exitCodes.uncaught}  stopped because of an uncaught error`;

/** Returns the exit code for an error. */
export function toExitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  return error instanceof ConfigError || error instanceof InvalidValueError ? exitCodes.usage : exitCodes.failed;
}
