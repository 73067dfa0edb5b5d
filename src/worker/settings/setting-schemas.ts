import * as v from "valibot";
import { type Duration, maxTimerMs, parseDurationMs } from "../../core/duration.js";

/** A schema of an object with these settings and no others. */
export const strictSettings = <Entries extends v.ObjectEntries>(entries: Entries) =>
  // A null prototype: otherwise inherited names such as `constructor` would count as entries.
  v.strictObject(Object.assign(Object.create(null) as object, entries), ({ expected }) => {
    const names = Object.keys(entries).join(", ");
    if (expected === "never") return `is not a setting; the settings are ${names}`;
    return expected === "Object" ? `must be an object with ${names}` : "is missing";
  });

const integerMessage = "must be a whole number from 1";
export const positiveInteger = v.pipe(
  v.number(integerMessage),
  v.integer(integerMessage),
  v.minValue(1, integerMessage),
);
/** A schema that parses a duration into milliseconds. */
export const durationSchema = (fallback: Duration, minMs = 0, maxMs = maxTimerMs) =>
  v.pipe(
    v.optional(v.union([v.number(), v.string()]), fallback),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        const ms = parseDurationMs(dataset.value as Duration, "");
        if (ms >= minMs && ms <= maxMs) return ms;
        addIssue({ message: ` must be from ${minMs} to ${maxMs} ms` });
      } catch (error) {
        addIssue({ message: (error as Error).message });
      }
      return NEVER;
    }),
  );

/** A schema of any object. Valibot's object schemas drop keys such as `constructor`, which an export or a queue may have. */
export const objectSchema = (message: string) =>
  v.custom<Record<string, unknown>>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    message,
  );
