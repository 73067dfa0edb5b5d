import * as v from "valibot";
import { type Duration, maxTimerMs, parseDuration } from "../../core/duration.js";

/** Settings of these names, and of no others. */
export const noOthersThan = <Entries extends v.ObjectEntries>(entries: Entries) =>
  // Without a prototype, whose names would count as entries.
  v.strictObject(Object.assign(Object.create(null) as object, entries), ({ expected }) => {
    const names = Object.keys(entries).join(", ");
    if (expected === "never") return `is no setting; there are ${names}`;
    return expected === "Object" ? `must be an object with ${names}` : "is missing";
  });

const wholeNumber = "must be a whole number from 1";
export const count = v.pipe(v.number(wholeNumber), v.integer(wholeNumber), v.minValue(1, wholeNumber));
/** @returns a schema of a duration that is read in milliseconds */
export const duration = (fallback: Duration, minMs = 0, maxMs = maxTimerMs) =>
  v.pipe(
    v.optional(v.union([v.number(), v.string()]), fallback),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        const ms = parseDuration(dataset.value as Duration, "");
        if (ms >= minMs && ms <= maxMs) return ms;
        addIssue({ message: ` must be from ${minMs} to ${maxMs} ms` });
      } catch (error) {
        addIssue({ message: (error as Error).message });
      }
      return NEVER;
    }),
  );

/** Valibot's own object schemas leave out what is called `constructor` and the like, which an export or a queue may be. */
export const anyObject = (message: string) =>
  v.custom<Record<string, unknown>>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    message,
  );
