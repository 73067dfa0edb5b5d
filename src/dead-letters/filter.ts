import type { Duration } from "../core/duration.js";

/** Which dead letters: those that fit everything that is said here; `{}` means all. */
export interface DeadLetterFilter {
  readonly ids?: readonly number[];
  /** The job's name. */
  readonly name?: string;
  readonly queue?: string;
  /** A part of the reason, in upper or lower case. */
  readonly reason?: string;
  /** The name of the last error, such as `"TimeoutError"`. */
  readonly error?: string;
  readonly tag?: string;
  /** Those that died at this time or later, or within so long. */
  readonly since?: Date | Duration;
  /** Those that died before this time, or longer ago. */
  readonly before?: Date | Duration;
}
