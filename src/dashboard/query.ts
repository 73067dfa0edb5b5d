import type { HonoRequest } from "hono";
import * as v from "valibot";
import { InvalidValueError, formatPath } from "../core/errors.js";
import { Refusal } from "./refusal.js";

const maxPageSize = 200;

/** The schema of a text to filter by. */
export const text = v.exactOptional(v.pipe(v.string(), v.maxLength(1_000)));

const timeHint = "give a time such as 2026-01-31T08:00Z";

/** The schema of an ISO 8601 time, within the years in which PostgreSQL can parse JavaScript's format. */
export const time = v.exactOptional(
  v.pipe(
    v.string(),
    v.transform((iso) => new Date(iso)),
    v.date(timeHint),
    v.minValue(new Date("0001-01-02"), timeHint),
    v.maxValue(new Date("9999-01-01"), timeHint),
  ),
);

/** Parses an id in its canonical form, so that exactly one text stands for each id. */
export function parseId(input: string | undefined, owner: string): number {
  if (!/^[1-9]\d{0,14}$/.test(input ?? "")) throw new Refusal(400, `${owner} id must be a whole number, such as 17`);
  return Number(input);
}

/** The query parameters of a paged list. */
export const page = {
  cursor: v.optional(v.pipe(v.string(), v.maxLength(100))),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,3}$/, `give a whole number from 1 to ${maxPageSize}`),
      v.transform(Number),
      v.minValue(1, `give a whole number from 1 to ${maxPageSize}`),
      v.maxValue(maxPageSize, `give a whole number from 1 to ${maxPageSize}`),
    ),
    "50",
  ),
};

/**
 * Parses the query string of a request. Empty parameters count as missing.
 *
 * @throws InvalidValueError for an invalid value or an unknown parameter
 */
export function parseQuery<Schema extends v.GenericSchema>(
  request: HonoRequest,
  schema: Schema,
): v.InferOutput<Schema> {
  const input = Object.entries(request.query()).filter(([, value]) => value !== "");
  return parseValue(schema, Object.fromEntries(input), "query");
}

/** Parses a value with a schema. @throws InvalidValueError that names the invalid field */
export function parseValue<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  name: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => key as PropertyKey) ?? [];
  throw new InvalidValueError(name + formatPath(path), `is not valid: ${issue.message}`);
}
