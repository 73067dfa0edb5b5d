import { InvalidValueError, describeValue } from "./errors.js";

/** Which page of a list. */
export interface PageOptions {
  /** Where it begins: the `next` of the page before. Default: the first one. */
  readonly cursor?: string | undefined;
  /** How many at the most, from 1 to 1000. Default 50. */
  readonly limit?: number | undefined;
}

const maxLimit = 1_000;

/** @throws InvalidValueError for a limit out of range */
export function parseLimit(limit = 50): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit)
    throw new InvalidValueError("limit", `is ${describeValue(limit)}: give a whole number from 1 to ${maxLimit}`);
  return limit;
}

/**
 * The id before which a page begins, of a list whose newest come first and whose cursors are ids.
 *
 * @throws InvalidValueError for a cursor that is none
 */
export function parseIdCursor(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const id = Number(cursor);
  if (!/^\d{1,16}$/.test(cursor) || !Number.isSafeInteger(id)) throw createCursorError(cursor);
  return id;
}

export function createCursorError(cursor: unknown): InvalidValueError {
  return new InvalidValueError("cursor", `is ${describeValue(cursor)}: give the \`next\` of another page`);
}
