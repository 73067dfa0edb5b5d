import { and, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { oneRow, timeText } from "../core/fragments.js";
import type { DeadLetterFilter } from "./filter.js";
import { matching } from "./matching.js";
import { finishedAtText, isAfter, isBefore, theBeginning } from "./position.js";

/** How a change of many dead letters is followed and stopped. */
export interface BulkOptions<Progress> {
  /** Told after each batch of a thousand. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Once aborted, no other batch begins; those that are done stay done. */
  readonly signal?: AbortSignal | undefined;
}

const batch = 1_000;

/**
 * The ids of all dead letters that fit, in batches, oldest first. Those that die after it has begun are not among them, or
 * what is retried and dies at once would be retried for ever.
 *
 * @throws the signal's reason, once it is aborted
 */
export async function* batchesOf(
  db: Queryable,
  filter: DeadLetterFilter,
  signal: AbortSignal | undefined,
): AsyncGenerator<number[]> {
  const fits = matching(filter);
  const [start] = await builder(db)
    .select({ at: timeText(sql`clock_timestamp()`) })
    .from(oneRow);
  const until = { finishedAt: (start as { at: string }).at, id: 0 };
  let from = theBeginning;
  for (;;) {
    signal?.throwIfAborted();
    const found = await builder(db)
      .select({ id: soniqJobs.id, finishedAt: finishedAtText })
      .from(soniqJobs)
      .where(and(fits, isAfter(from), isBefore(until)))
      .orderBy(soniqJobs.finishedAt, soniqJobs.id)
      .limit(batch);
    const last = found.at(-1);
    if (!last) return;
    yield found.map(({ id }) => id);
    from = last;
  }
}
