import * as v from "valibot";
import type { DeadLetterFilter } from "../dead-letters/filter.js";
import { text, time } from "./query.js";

const maxIds = 1_000;

/** Which dead letters, as addresses and bodies say it. */
export const filterEntries = {
  name: text,
  queue: text,
  reason: text,
  error: text,
  tag: text,
  since: time,
  until: time,
};

/** The same in a body, which may name some of them one by one. `{}` means all. */
export const filterBody = v.strictObject({
  ...filterEntries,
  ids: v.exactOptional(v.pipe(v.array(v.pipe(v.number(), v.safeInteger())), v.maxLength(maxIds))),
});

/** The filter of the verbs, which calls the end of a time `before`. */
export function filterOf({ until, ...filter }: v.InferOutput<typeof filterBody>): DeadLetterFilter {
  return { ...filter, ...(until && { before: until }) };
}
