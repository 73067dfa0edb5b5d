import type { Queryable } from "../core/queryable.js";
import type { DeadLetterFilter } from "./filter.js";
import { type DeadLetter, listDeadLetters } from "./list.js";

/** Payloads and errors may be long. */
const pageSize = 100;

/**
 * All dead letters that fit, newest first, however many: a page at a time is in memory.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws InvalidValueError for a filter that is none
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function* exportDeadLetters(db: Queryable, filter: DeadLetterFilter = {}): AsyncGenerator<DeadLetter> {
  let cursor: string | undefined;
  do {
    const page = await listDeadLetters(db, filter, { cursor, limit: pageSize });
    yield* page.deadLetters;
    cursor = page.next;
  } while (cursor !== undefined);
}
