import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { replay, type Replayed, type ReplayOptions } from "../jobs/control/retry.js";
import { batchesOf, type BulkOptions } from "./batches.js";
import type { DeadLetterFilter } from "./filter.js";

/** How many dead letters are queued again, and how many are not. */
export interface ReplayCount {
  readonly replayed: number;
  readonly refused: number;
}

/** The counts so far, and what became of the batch that was just done. */
export interface ReplayProgress extends ReplayCount {
  readonly batch: Replayed;
}

/**
 * Replays all dead letters that fit, those that died first at first, a thousand at a time. Not on a transaction, each batch
 * is queued as it is done. Those that die meanwhile, again or for the first time, are left.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param options `mapping`: makes the payloads anew, and leaves other jobs than its own; `onProgress` and `signal`
 * @throws InvalidValueError before any SQL, for a filter that is none
 * @throws MigrationError if the job tables are missing or older than this version
 * @throws the signal's reason, once it is aborted: what was replayed until then stays replayed
 */
export async function replayDeadLetters<In = unknown, Old = unknown>(
  db: Queryable,
  filter: DeadLetterFilter,
  { mapping, onProgress, signal }: ReplayOptions<In, Old> & BulkOptions<ReplayProgress> = {},
): Promise<ReplayCount> {
  const fits = mapping ? { name: mapping.job.name, ...filter } : filter;
  const count = { replayed: 0, refused: 0 };
  try {
    for await (const ids of batchesOf(db, fits, signal)) {
      const batch = await replay(db, ids, { mapping });
      count.replayed += batch.replayed.length;
      count.refused += batch.refused.length;
      onProgress?.({ ...count, batch });
    }
  } catch (error) {
    explainMissingTables(error);
  }
  return count;
}
