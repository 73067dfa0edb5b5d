import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { bisectFailures } from "../core/in-halves.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { retryConflicts } from "../core/retry-conflicts.js";
import { runAtSavepoint } from "../core/savepoint.js";
import { deleteFinished } from "../jobs/upkeep/prune.js";
import { batchesOf, type BulkOptions } from "./batches.js";
import type { DeadLetterFilter } from "./filter.js";
import { matching } from "./matching.js";

/** What became of dead letters that were to be purged. */
export interface Purged {
  readonly purged: readonly number[];
  /** Those that are still there. */
  readonly refused: readonly PurgeRefusal[];
}

/** Why a dead letter was not purged. */
export type PurgeRefusal =
  /** Another transaction has it in hand: try again. */
  | { readonly id: number; readonly reason: "locked" }
  /** The database refuses it, as with a foreign key to the job that has no action. */
  | { readonly id: number; readonly reason: "failed"; readonly error: unknown };

/** How many dead letters are gone, and how many are not. */
export interface PurgeCount {
  readonly purged: number;
  readonly refused: number;
}

/** The counts so far, and what became of the batch that was just done. */
export interface PurgeProgress extends PurgeCount {
  readonly batch: Purged;
}

/**
 * Deletes all dead letters that fit, for good, a thousand at a time; the unique keys that they hold yet are free then.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws InvalidValueError before any SQL, for a filter that is none
 * @throws MigrationError if the job tables are missing or older than this version
 * @throws the signal's reason, once it is aborted: what was purged until then is gone
 */
export async function purgeDeadLetters(
  db: Queryable,
  filter: DeadLetterFilter,
  { onProgress, signal }: BulkOptions<PurgeProgress> = {},
): Promise<PurgeCount> {
  const count = { purged: 0, refused: 0 };
  try {
    for await (const ids of batchesOf(db, filter, signal)) {
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
    (some) => retryConflicts(db, (on) => runAtSavepoint(on, (at) => deleteFinished(at, "dead", some))),
    (id, error) => refused.push({ id, reason: "failed", error }),
  );
  const known = new Set([...purged, ...refused.map(({ id }) => id)]);
  const left = ids.filter((id) => !known.has(id));
  return { purged, refused: [...refused, ...(left.length === 0 ? [] : await locked(db, left))] };
}

/** Those that are there yet: others may have retried or purged some meanwhile. */
async function locked(db: Queryable, ids: readonly number[]): Promise<PurgeRefusal[]> {
  const rows = await builder(db).select({ id: soniqJobs.id }).from(soniqJobs).where(matching({ ids }));
  return rows.map(({ id }) => ({ id, reason: "locked" }));
}
