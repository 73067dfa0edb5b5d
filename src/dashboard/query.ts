import type { HonoRequest } from "hono";
import * as v from "valibot";
import { InvalidValueError, formatPath } from "../core/errors.js";
import { Refusal } from "./refusal.js";

const maxPage = 200;

/** A text to filter by. */
export const text = v.exactOptional(v.pipe(v.string(), v.maxLength(1_000)));

const suchATime = "give a time such as 2026-01-31T08:00Z";

/** A time in ISO 8601, of those that PostgreSQL reads as JavaScript writes them. */
export const time = v.exactOptional(
  v.pipe(
    v.string(),
    v.transform((iso) => new Date(iso)),
    v.date(suchATime),
    v.minValue(new Date("0001-01-02"), suchATime),
    v.maxValue(new Date("9999-01-01"), suchATime),
  ),
);

/** An id as it is written down: no two texts are the same one. */
export function idOf(given: string | undefined, whose: string): number {
  if (!/^[1-9]\d{0,14}$/.test(given ?? "")) throw new Refusal(400, `${whose} id is a whole number: give one`);
  return Number(given);
}

/** Which page of a list. */
export const page = {
  cursor: v.optional(v.pipe(v.string(), v.maxLength(100))),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,3}$/, `give a whole number from 1 to ${maxPage}`),
      v.transform(Number),
      v.minValue(1, `give a whole number from 1 to ${maxPage}`),
      v.maxValue(maxPage, `give a whole number from 1 to ${maxPage}`),
    ),
    "50",
  ),
};

/**
 * What a request's address asks for behind its question mark; what is empty there counts as left out.
 *
 * @throws InvalidValueError for what a value cannot be, and for what there is no such thing of
 */
export function queryOf<Schema extends v.GenericSchema>(request: HonoRequest, schema: Schema): v.InferOutput<Schema> {
  const given = Object.entries(request.query()).filter(([, value]) => value !== "");
  return checked(schema, Object.fromEntries(given), "query");
}

/** @throws InvalidValueError naming what is wrong with it */
export function checked<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => key as PropertyKey) ?? [];
  throw new InvalidValueError(what + formatPath(path), `is not valid: ${issue.message}`);
}
