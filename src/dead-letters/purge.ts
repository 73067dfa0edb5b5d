import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { bisectFailures } from "../core/bisect-failures.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { retryConflicts } from "../core/retry-conflicts.js";
import { runAtSavepoint } from "../core/savepoint.js";
import { deleteFinished } from "../jobs/upkeep/prune.js";
import { iterateBatches, type BulkOptions } from "./batches.js";
import type { DeadLetterFilter } from "./filter.js";
import { buildCondition } from "./condition.js";

/** The result of a purge of dead letters. */
export interface Purged {
  readonly purged: readonly number[];
  /** The dead letters that still exist. */
  readonly refused: readonly PurgeRefusal[];
}

/** Why a dead letter was not purged. */
export type PurgeRefusal =
  /** Another transaction has locked the dead letter: try again. */
  | { readonly id: number; readonly reason: "locked" }
  /** The database refuses the deletion, for example because of a foreign key without an `on delete` action. */
  | { readonly id: number; readonly reason: "failed"; readonly error: unknown };

/** The numbers of purged and of refused dead letters. */
export interface PurgeCount {
  readonly purged: number;
  readonly refused: number;
}

/** The counts so far, and the result of the latest batch. */
export interface PurgeProgress extends PurgeCount {
  readonly batch: Purged;
}

/**
 * Permanently deletes all matching dead letters, a thousand at a time. This frees the unique keys that they still hold.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws InvalidValueError before any SQL, if the filter is invalid
 * @throws MigrationError if the job tables are missing or older than this version
 * @throws the signal's reason, once it is aborted; the dead letters that were purged by then stay deleted
 */
export async function purgeDeadLetters(
  db: Queryable,
  filter: DeadLetterFilter,
  { onProgress, signal }: BulkOptions<PurgeProgress> = {},
): Promise<PurgeCount> {
  const count = { purged: 0, refused: 0 };
  try {
    for await (const ids of iterateBatches(db, filter, signal)) {
      const batch = await purgeBatch(db, ids);
      count.purged += batch.purged.length;
      count.refused += batch.refused.length;
      onProgress?.({ ...count, batch });
    }
  } catch (error) {
    explainMissingTables(error);
  }
  return count;
}

async function purgeBatch(db: Queryable, ids: readonly number[]): Promise<Purged> {
  const refused: PurgeRefusal[] = [];
  const purged = await bisectFailures(
    ids,
    (batchIds) =>
      retryConflicts(db, (connection) =>
        runAtSavepoint(connection, (savepoint) => deleteFinished(savepoint, "dead", batchIds)),
      ),
    (id, error) => refused.push({ id, reason: "failed", error }),
  );
  const handledIds = new Set([...purged, ...refused.map(({ id }) => id)]);
  const remainingIds = ids.filter((id) => !handledIds.has(id));
  return { purged, refused: [...refused, ...(remainingIds.length === 0 ? [] : await findLocked(db, remainingIds))] };
}

/** Returns the dead letters that still exist: other processes may have retried or purged some of them meanwhile. */
async function findLocked(db: Queryable, ids: readonly number[]): Promise<PurgeRefusal[]> {
  const rows = await builder(db).select({ id: soniqJobs.id }).from(soniqJobs).where(buildCondition({ ids }));
  return rows.map(({ id }) => ({ id, reason: "locked" }));
}
