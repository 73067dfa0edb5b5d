import { InvalidArgumentError } from "commander";
import { type Duration, parseDuration } from "../core/duration.js";

/** For an option of commander's. @throws InvalidArgumentError for what is no duration */
export function duration(text: string): Duration {
  try {
    parseDuration(text as Duration, "it");
    return text as Duration;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** For an option of commander's. @throws InvalidArgumentError for what is no time of ISO 8601 */
export function time(text: string): Date {
  const date = new Date(text);
  // JavaScript reads much more than that.
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(date.getTime()))
    throw new InvalidArgumentError("give a time such as 2026-01-31T08:00Z.");
  return date;
}

/** Either of the two: a time, or how long ago. */
export function timeOrAge(text: string): Date | Duration {
  try {
    return /^\d{4}-/.test(text) ? time(text) : duration(text);
  } catch {
    throw new InvalidArgumentError("give a time such as 2026-01-31T08:00Z, or how long ago, such as 24h.");
  }
}
