import { InvalidArgumentError } from "commander";
import { type Duration, parseDurationMs } from "../core/duration.js";

/** For an option of commander's. @throws InvalidArgumentError for an invalid duration */
export function parseDurationOption(text: string): Duration {
  try {
    parseDurationMs(text as Duration, "it");
    return text as Duration;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** For an option of commander's. @throws InvalidArgumentError for an invalid ISO 8601 time */
export function parseTimeOption(text: string): Date {
  const date = new Date(text);
  // JavaScript parses many more formats than ISO 8601.
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(date.getTime()))
    throw new InvalidArgumentError("give a time such as 2026-01-31T08:00Z.");
  return date;
}

/** For an option that takes a time, or an age such as `24h`. @throws InvalidArgumentError for anything else */
export function parseTimeOrAgeOption(text: string): Date | Duration {
  try {
    return /^\d{4}-/.test(text) ? parseTimeOption(text) : parseDurationOption(text);
  } catch {
    throw new InvalidArgumentError("give a time such as 2026-01-31T08:00Z, or an age such as 24h.");
  }
}
