import { and, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { oneRow, timeText } from "../core/fragments.js";
import type { DeadLetterFilter } from "./filter.js";
import { buildCondition } from "./condition.js";
import { finishedAtText, isAfter, isBefore, firstPosition } from "./position.js";

/** Options to observe and stop a change of many dead letters. */
export interface BulkOptions<Progress> {
  /** Called after each batch of a thousand. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Once aborted, no other batch begins; completed batches stay completed. */
  readonly signal?: AbortSignal | undefined;
}

const maxBatchJobs = 1_000;

/**
 * Yields the ids of all matching dead letters in batches, oldest first. Skips jobs that die after the start. Otherwise
 * a job that dies again after each retry would be retried forever.
 *
 * @throws the signal's reason, once it is aborted
 */
export async function* iterateBatches(
  db: Queryable,
  filter: DeadLetterFilter,
  signal: AbortSignal | undefined,
): AsyncGenerator<number[]> {
  const condition = buildCondition(filter);
  const [start] = await builder(db)
    .select({ at: timeText(sql`clock_timestamp()`) })
    .from(oneRow);
  const end = { finishedAt: (start as { at: string }).at, id: 0 };
  let position = firstPosition;
  for (;;) {
    signal?.throwIfAborted();
    const rows = await builder(db)
      .select({ id: soniqJobs.id, finishedAt: finishedAtText })
      .from(soniqJobs)
      .where(and(condition, isAfter(position), isBefore(end)))
      .orderBy(soniqJobs.finishedAt, soniqJobs.id)
      .limit(maxBatchJobs);
    const last = rows.at(-1);
    if (!last) return;
    yield rows.map(({ id }) => id);
    position = last;
  }
}
