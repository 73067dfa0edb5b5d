import { describeValue, InvalidValueError } from "./errors.js";

/** Selects a page of a list. */
export interface PageOptions {
  /** The `next` of the previous page. Default: the first page. */
  readonly cursor?: string | undefined;
  /** The maximum number of entries, from 1 to 1000. Default 50. */
  readonly limit?: number | undefined;
}

const maxLimit = 1_000;

/** Checks a page's limit. Default 50. @throws InvalidValueError if it is out of range */
export function parseLimit(limit = 50): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit)
    throw new InvalidValueError("limit", `is ${describeValue(limit)}: give a whole number from 1 to ${maxLimit}`);
  return limit;
}

/**
 * Parses the cursor of a list that is sorted by id, newest first: the page contains the entries with smaller ids.
 *
 * @returns the id, or the maximum for the first page
 * @throws InvalidValueError if the cursor is malformed
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
