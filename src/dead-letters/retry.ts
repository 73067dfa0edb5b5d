import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { retryJobs, type Retried, type RetryOptions } from "../jobs/control/retry.js";
import { batchesOf, type BulkOptions } from "./batches.js";
import type { DeadLetterFilter } from "./filter.js";

/** How many dead letters are queued again, and how many are not. */
export interface RetryCount {
  readonly retried: number;
  readonly refused: number;
}

/** The counts so far, and what became of the batch that was just done. */
export interface RetryProgress extends RetryCount {
  readonly batch: Retried;
}

/**
 * Retries all dead letters that fit, those that died first at first, a thousand at a time. Not on a transaction, each batch
 * is queued as it is done. Those that die meanwhile, again or for the first time, are left.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param options `mapping`: makes the payloads anew, and leaves other jobs than its own; `onProgress` and `signal`
 * @throws InvalidValueError before any SQL, for a filter that is none
 * @throws MigrationError if the job tables are missing or older than this version
 * @throws the signal's reason, once it is aborted: what was retried until then stays retried
 */
export async function retryDeadLetters<In = unknown, Old = unknown>(
  db: Queryable,
  filter: DeadLetterFilter,
  { mapping, onProgress, signal }: RetryOptions<In, Old> & BulkOptions<RetryProgress> = {},
): Promise<RetryCount> {
  const fits = mapping ? { name: mapping.job.name, ...filter } : filter;
  const count = { retried: 0, refused: 0 };
  try {
    for await (const ids of batchesOf(db, fits, signal)) {
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
