import type { Queryable } from "../core/queryable.js";
import type { DeadLetterFilter } from "./filter.js";
import { type DeadLetter, listDeadLetters } from "./list.js";

/** A small page, since payloads and errors may be large. */
const maxPageDeadLetters = 100;

/**
 * Yields all matching dead letters, newest first. Only one page at a time is in memory.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws InvalidValueError if the filter is invalid
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function* exportDeadLetters(db: Queryable, filter: DeadLetterFilter = {}): AsyncGenerator<DeadLetter> {
  let cursor: string | undefined;
  do {
    const page = await listDeadLetters(db, filter, { cursor, limit: maxPageDeadLetters });
    yield* page.deadLetters;
    cursor = page.next;
  } while (cursor !== undefined);
}
