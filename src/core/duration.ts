import { describeValue, InvalidValueError } from "./errors.js";

/** A number of milliseconds, or a text such as `"500ms"`, `"30s"`, `"5m"`, `"24h"`, `"7d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/**
 * 6,000 years. Adding it to, or subtracting it from, the current time stays in the range of PostgreSQL's timestamps, which
 * begins in 4713 BC.
 */
const maxMs = 1.9e14;

/** The maximum delay of a timer, about 24 days. A longer one would fire immediately. */
export const maxTimerMs = 2 ** 31 - 1;

/**
 * Converts a duration to milliseconds.
 *
 * @param path names the setting in the error
 * @throws InvalidValueError if it is not a duration, is negative, or exceeds 6,000 years
 */
export function parseDurationMs(duration: Duration, path: string): number {
  const ms = typeof duration === "number" ? duration : parseDurationText(duration);
  if (!(ms >= 0 && ms <= maxMs)) {
    const problem =
      ms > maxMs && Number.isFinite(ms)
        ? "which is too long: give no more than 6,000 years"
        : 'which is not a duration: give milliseconds, or a number with one of the units ms, s, m, h and d, such as "30s", "24h" or "7d"';
    throw new InvalidValueError(path, `is ${describeValue(duration)}, ${problem}`);
  }
  return ms;
}

function parseDurationText(text: unknown): number {
  const match = typeof text === "string" ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) : null;
  return match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : NaN;
}
