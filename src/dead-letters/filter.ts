import type { Duration } from "../core/duration.js";

/** The dead letters that match all of these conditions; `{}` matches all. */
export interface DeadLetterFilter {
  readonly ids?: readonly number[];
  /** The job's name. */
  readonly name?: string;
  readonly queue?: string;
  /** A part of the reason; case does not matter. */
  readonly reason?: string;
  /** The name of the last error, such as `"TimeoutError"`. */
  readonly error?: string;
  readonly tag?: string;
  /** Dead letters that died at this time or later, or within this duration before now. */
  readonly since?: Date | Duration;
  /** Dead letters that died before this time, or longer ago than this duration. */
  readonly before?: Date | Duration;
}
