import * as v from "valibot";
import type { DeadLetterFilter } from "../dead-letters/filter.js";
import { text, time } from "./query.js";

const maxIds = 1_000;

/** The dead letter filter, as query strings and bodies send it. */
export const filterEntries = {
  name: text,
  queue: text,
  reason: text,
  error: text,
  tag: text,
  since: time,
  until: time,
};

/** The filter in a body, which may also list ids. `{}` selects all dead letters. */
export const filterBody = v.strictObject({
  ...filterEntries,
  ids: v.exactOptional(v.pipe(v.array(v.pipe(v.number(), v.safeInteger())), v.maxLength(maxIds))),
});

/** Converts it to the library's filter, which calls `until` `before`. */
export function toFilter({ until, ...filter }: v.InferOutput<typeof filterBody>): DeadLetterFilter {
  return { ...filter, ...(until && { before: until }) };
}
