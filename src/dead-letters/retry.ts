import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { retryJobs, type Retried, type RetryOptions } from "../jobs/control/retry-jobs.js";
import { iterateBatches, type BulkOptions } from "./batches.js";
import type { DeadLetterFilter } from "./filter.js";

/** The numbers of retried and of refused dead letters. */
export interface RetryCount {
  readonly retried: number;
  readonly refused: number;
}

/** The counts so far, and the result of the latest batch. */
export interface RetryProgress extends RetryCount {
  readonly batch: Retried;
}

/**
 * Retries all matching dead letters, oldest first, a thousand at a time. Outside a transaction, each batch commits on
 * its own. Skips jobs that die meanwhile, again or for the first time.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param options `mapping`: converts the payloads, and leaves out the jobs of other definitions; `onProgress` and
 *   `signal`
 * @throws InvalidValueError before any SQL, if the filter is invalid
 * @throws MigrationError if the job tables are missing or older than this version
 * @throws the signal's reason, once it is aborted; the dead letters that were retried by then stay retried
 */
export async function retryDeadLetters<In = unknown, Old = unknown>(
  db: Queryable,
  filter: DeadLetterFilter,
  { mapping, onProgress, signal }: RetryOptions<In, Old> & BulkOptions<RetryProgress> = {},
): Promise<RetryCount> {
  const effectiveFilter = mapping ? { name: mapping.job.name, ...filter } : filter;
  const count = { retried: 0, refused: 0 };
  try {
    for await (const ids of iterateBatches(db, effectiveFilter, signal)) {
      const batch = await retryJobs(db, ids, { mapping });
      count.retried += batch.retried.length;
      count.refused += batch.refused.length;
      onProgress?.({ ...count, batch });
    }
  } catch (error) {
    explainMissingTables(error);
  }
  return count;
}
